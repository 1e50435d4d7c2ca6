using System.Buffers.Binary;

namespace ShardedCache.Entries;

/// <summary>
/// What stands before the payload, byte by byte (all numbers big-endian, unsigned; see <c>docs/entry-format.md</c>):
/// <code>
/// 0      version: 0xC1
/// 1      flags: 1 absolute, 2 sliding, 4 tombstone; the others reserved, 0
/// 2..9   stamp
/// then   8 bytes of absolute expiration, Unix milliseconds by the shard's clock (flag 1)
/// then   8 bytes of sliding window, milliseconds (flag 2)
/// </code>
/// </summary>
/// <param name="Flags">Which of the fields there are.</param>
/// <param name="Stamp">When the entry was written.</param>
/// <param name="AbsoluteMilliseconds">Unix milliseconds, 0 where there is none.</param>
/// <param name="SlidingMilliseconds">The window, 0 where there is none.</param>
internal readonly record struct EntryHeader(EntryFlags Flags, Stamp Stamp, long AbsoluteMilliseconds = 0, long SlidingMilliseconds = 0)
{
    /// <summary>
    /// Version 1. Chosen because no text begins with it (0xC1 never occurs in UTF-8), nor a MessagePack value, so that
    /// what others have stored under our keys is hardly ever mistaken for an entry.
    /// </summary>
    public const byte Version = 0xC1;

    public const int MinLength = 2 + Stamp.Length;

    public const int MaxLength = MinLength + 8 + 8;

    /// <summary>Times from 2^53 on are no times: a Lua script could not hold them exactly.</summary>
    public const long MaxMilliseconds = (1L << 53) - 1;

    /// <summary>
    /// How long a tombstone lives: as long as a removal can be outrun by an older write that another instance replays
    /// after a failover.
    /// </summary>
    public static readonly TimeSpan TombstoneLife = TimeSpan.FromMinutes(2);

    public bool IsTombstone => (Flags & EntryFlags.Tombstone) != 0;

    public bool IsAbsolute => (Flags & EntryFlags.Absolute) != 0;

    public bool IsSliding => (Flags & EntryFlags.Sliding) != 0;

    public int Length => LengthOf(Flags);

    public static EntryHeader Tombstone(Stamp stamp) => new(EntryFlags.Tombstone, stamp);

    public static EntryHeader Value(Stamp stamp, EntryExpiration expiration)
    {
        var flags = (expiration.IsAbsolute ? EntryFlags.Absolute : EntryFlags.None)
            | (expiration.IsSliding ? EntryFlags.Sliding : EntryFlags.None);
        return new EntryHeader(flags, stamp, expiration.AbsoluteMilliseconds, expiration.SlidingMilliseconds);
    }

    /// <summary>Whether the absolute expiration has come, at <paramref name="nowMilliseconds"/> by the shard's clock.</summary>
    public bool HasExpired(long nowMilliseconds) => IsAbsolute && AbsoluteMilliseconds <= nowMilliseconds;

    /// <summary>
    /// The length of the header that begins with these two bytes; 0 where they begin none: another version, a reserved
    /// flag, or a tombstone that claims to expire.
    /// </summary>
    public static int LengthOf(byte version, byte flags) =>
        version == Version && flags <= (byte)EntryFlags.Tombstone ? LengthOf((EntryFlags)flags) : 0;

    /// <summary>Reads the header at the beginning of a stored entry. False for anything that is not wholly one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> stored, out EntryHeader header, out int length)
    {
        header = default;
        length = stored.Length < MinLength ? 0 : LengthOf(stored[0], stored[1]);
        if (length == 0 || stored.Length < length)
        {
            length = 0;
            return false;
        }

        var flags = (EntryFlags)stored[1];
        var rest = stored[MinLength..];
        ulong absolute = 0;
        ulong sliding = 0;
        if ((flags & EntryFlags.Absolute) != 0)
        {
            absolute = BinaryPrimitives.ReadUInt64BigEndian(rest);
            rest = rest[8..];
        }

        if ((flags & EntryFlags.Sliding) != 0)
        {
            sliding = BinaryPrimitives.ReadUInt64BigEndian(rest);
        }

        if (absolute > MaxMilliseconds || sliding > MaxMilliseconds || ((flags & EntryFlags.Sliding) != 0 && sliding == 0))
        {
            length = 0;
            return false;
        }

        header = new EntryHeader(flags, Stamp.Read(stored[2..]), (long)absolute, (long)sliding);
        return true;
    }

    /// <summary>Writes the header to the beginning of a span of at least <see cref="MaxLength"/>.</summary>
    /// <returns>Its length.</returns>
    public int Write(Span<byte> destination)
    {
        destination[0] = Version;
        destination[1] = (byte)Flags;
        Stamp.Write(destination[2..]);
        var length = MinLength;
        if (IsAbsolute)
        {
            BinaryPrimitives.WriteUInt64BigEndian(destination[length..], (ulong)AbsoluteMilliseconds);
            length += 8;
        }

        if (IsSliding)
        {
            BinaryPrimitives.WriteUInt64BigEndian(destination[length..], (ulong)SlidingMilliseconds);
            length += 8;
        }

        return length;
    }

    private static int LengthOf(EntryFlags flags) => MinLength
        + ((flags & EntryFlags.Absolute) != 0 ? 8 : 0)
        + ((flags & EntryFlags.Sliding) != 0 ? 8 : 0);
}
