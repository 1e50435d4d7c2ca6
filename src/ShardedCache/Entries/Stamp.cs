using System.Buffers.Binary;
using System.Globalization;

namespace ShardedCache.Entries;

/// <summary>
/// When an entry was written, by the clock of its shard: an unsigned number, the microseconds since the Unix epoch in
/// the upper 54 bits (enough until the year 2540) and 10 random bits of the writing process below. Stored big-endian,
/// so that the order of the bytes is the order of the numbers.
/// </summary>
/// <remarks>
/// Two processes can still make the same stamp: in one microsecond, with the same random bits (1 in 1,024). Then the
/// greater of the two whole stored strings, as unsigned bytes, is the later one for everyone.
/// </remarks>
internal readonly record struct Stamp(ulong Value) : IComparable<Stamp>
{
    public const int Length = 8;

    public const int ProcessBits = 10;

    public long UnixMicroseconds => (long)(Value >> ProcessBits);

    public static Stamp From(long unixMicroseconds, uint processBits) =>
        new(((ulong)unixMicroseconds << ProcessBits) | (processBits & ((1u << ProcessBits) - 1)));

    /// <summary>The same process's stamp, this many microseconds later.</summary>
    public Stamp Plus(long microseconds) => From(Math.Max(0, UnixMicroseconds + microseconds), (uint)Value);

    /// <summary>This one, or where it is not later than the other, the same process's first that is.</summary>
    public Stamp After(Stamp other) => this > other ? this : From(other.UnixMicroseconds + 1, (uint)Value);

    /// <summary>The stamp just before this one.</summary>
    public Stamp Before() => new(Math.Max(1, Value) - 1);

    public static Stamp Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt64BigEndian(bytes));

    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt64BigEndian(destination, Value);

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        Write(bytes);
        return bytes;
    }

    public int CompareTo(Stamp other) => Value.CompareTo(other.Value);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{UnixMicroseconds}us/{Value & ((1u << ProcessBits) - 1)}");

    public static bool operator <(Stamp left, Stamp right) => left.Value < right.Value;

    public static bool operator >(Stamp left, Stamp right) => left.Value > right.Value;

    public static bool operator <=(Stamp left, Stamp right) => left.Value <= right.Value;

    public static bool operator >=(Stamp left, Stamp right) => left.Value >= right.Value;
}
