using System.Buffers.Binary;
using System.Text;

namespace ShardedCache.Entries;

/// <summary>
/// A session, as it is stored in the payload of its entry: each key with the stamp of its last change, so that two states, or a
/// state and what a request has changed, can be merged in any order and any number of times (a state-based CRDT: M. Shapiro and
/// others, "Conflict-free Replicated Data Types", 2011). Immutable. All numbers big-endian, unsigned; see <c>docs/entry-format.md</c>:
/// <code>
/// 0       version of the state: 1
/// 1..8    stamp of the last clearing, 0 for none
/// 9..16   stamp of the identifier, 0 for none
/// 17..32  identifier
/// then, for each key: 2 bytes of its length, its UTF-8, 8 bytes of stamp,
///         4 bytes of the value's length (0xFFFFFFFF: removed), the value
/// </code>
/// </summary>
internal sealed class SessionState
{
    public const byte Version = 1;

    public const int MaxKeyBytes = ushort.MaxValue;

    private const int FixedLength = 1 + Stamp.Length + Stamp.Length + 16;

    private const int ItemOverhead = 2 + Stamp.Length + 4;

    private const uint Removed = uint.MaxValue;

    private static readonly Dictionary<string, SessionItem> NoItems = new(StringComparer.Ordinal);

    public static SessionState Empty { get; } = new();

    /// <summary>What is not later than this is gone.</summary>
    public Stamp Cleared { get; init; }

    public SessionId Id { get; init; }

    /// <summary>Removed keys are among them.</summary>
    public IReadOnlyDictionary<string, SessionItem> Items { get; init; } = NoItems;

    /// <summary>Its stamps are of a time in which the shard's clock was not known.</summary>
    public bool IsByLocalClock { get; private init; }

    /// <summary>Of the last change.</summary>
    public Stamp Newest => Items.Values.Aggregate(Cleared, static (newest, item) => Max(newest, item.Stamp));

    public int Length => FixedLength + Items.Sum(static item => LengthOf(item.Key, item.Value.Value));

    /// <summary>
    /// What lies before this is older than any removal that is still remembered: compared with the upper half of a stamp, so in
    /// units of 4.2 s.
    /// </summary>
    public static uint Horizon(long nowMicroseconds, long keptMilliseconds) =>
        (uint)(Math.Max(0, nowMicroseconds - (keptMilliseconds * 1000)) >> (32 - Stamp.ProcessBits));

    /// <summary>For how many milliseconds a removed key is remembered: at least as long as other journals may hold an older value.</summary>
    public static long KeptMilliseconds(long windowMilliseconds, TimeSpan tombstoneLife) =>
        Math.Max(windowMilliseconds, (long)tombstoneLife.TotalMilliseconds);

    /// <summary>
    /// Of each key the later change stays. <c>SessionScripts</c> does the same on the server.
    /// </summary>
    /// <param name="stored">What is there; null for nothing.</param>
    /// <param name="incoming">What is added.</param>
    /// <param name="horizon">
    /// From <see cref="Horizon"/>; 0 for none. Removed keys that are older are forgotten; an incoming key that is older and not there
    /// may have been removed, and stays away.
    /// </param>
    public static SessionState Merge(SessionState? stored, SessionState incoming, uint horizon = 0)
    {
        var exists = stored is not null;
        stored ??= Empty;
        var cleared = Max(stored.Cleared, incoming.Cleared);
        var items = new Dictionary<string, SessionItem>(StringComparer.Ordinal);
        foreach (var (key, item) in stored.Items)
        {
            Add(key, incoming.Items.TryGetValue(key, out var other) && other.IsLaterThan(item) ? other : item);
        }

        foreach (var (key, item) in incoming.Items)
        {
            if (!stored.Items.ContainsKey(key) && !(exists && IsBefore(item.Stamp, horizon)))
            {
                Add(key, item);
            }
        }

        return new SessionState { Cleared = cleared, Id = incoming.Id.IsLaterThan(stored.Id) ? incoming.Id : stored.Id, Items = items };

        void Add(string key, SessionItem item)
        {
            if (item.Stamp > cleared && !(item.Value is null && IsBefore(item.Stamp, horizon)))
            {
                items.Add(key, item);
            }
        }
    }

    /// <summary>Reads a state. False for anything that is not wholly one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out SessionState state)
    {
        state = Empty;
        if (bytes.Length < FixedLength || bytes[0] != Version)
        {
            return false;
        }

        var items = new Dictionary<string, SessionItem>(StringComparer.Ordinal);
        for (var rest = bytes[FixedLength..]; !rest.IsEmpty;)
        {
            if (!TryReadItem(ref rest, items))
            {
                return false;
            }
        }

        state = new SessionState
        {
            Cleared = Stamp.Read(bytes[1..]),
            Id = new SessionId(Stamp.Read(bytes[9..]), BinaryPrimitives.ReadUInt128BigEndian(bytes[17..])),
            Items = items,
        };
        return true;
    }

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        bytes[0] = Version;
        Cleared.Write(bytes.AsSpan(1));
        Id.Stamp.Write(bytes.AsSpan(9));
        BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(17), Id.Value);
        var rest = bytes.AsSpan(FixedLength);
        foreach (var (key, item) in Items)
        {
            var length = Encoding.UTF8.GetBytes(key, rest[2..]);
            BinaryPrimitives.WriteUInt16BigEndian(rest, checked((ushort)length));
            rest = rest[(2 + length)..];
            item.Stamp.Write(rest);
            BinaryPrimitives.WriteUInt32BigEndian(rest[Stamp.Length..], item.Value is { } value ? (uint)value.Length : Removed);
            rest = rest[(Stamp.Length + 4)..];
            item.Value?.CopyTo(rest);
            rest = rest[(item.Value?.Length ?? 0)..];
        }

        return bytes;
    }

    public static int LengthOf(string key, byte[]? value) => ItemOverhead + Encoding.UTF8.GetByteCount(key) + (value?.Length ?? 0);

    /// <summary>
    /// The same with the changes of one request made later: they arrived after what has later stamps. Their clearing is the stamp before
    /// theirs.
    /// </summary>
    public SessionState Raise(Stamp from, Stamp to) => new()
    {
        Cleared = Cleared.Value == from.Value - 1 ? new Stamp(to.Value - 1) : Cleared,
        Id = Id,
        Items = Items.ToDictionary(
            static item => item.Key, item => item.Value.Stamp == from ? item.Value with { Stamp = to } : item.Value, StringComparer.Ordinal),
    };

    public SessionState ByLocalClock() => new() { Cleared = Cleared, Id = Id, Items = Items, IsByLocalClock = true };

    /// <summary>The same by another clock.</summary>
    public SessionState Shift(long microseconds)
    {
        return new()
        {
            Cleared = Moved(Cleared),
            Id = Id with { Stamp = Moved(Id.Stamp) },
            Items = Items.ToDictionary(
                static item => item.Key, item => item.Value with { Stamp = Moved(item.Value.Stamp) }, StringComparer.Ordinal),
        };

        Stamp Moved(Stamp stamp) => stamp == default ? stamp : stamp.Plus(microseconds);
    }

    private static bool TryReadItem(ref ReadOnlySpan<byte> rest, Dictionary<string, SessionItem> items)
    {
        var keyLength = rest.Length < 2 ? int.MaxValue - ItemOverhead : BinaryPrimitives.ReadUInt16BigEndian(rest);
        if (rest.Length < keyLength + ItemOverhead)
        {
            return false;
        }

        var key = Encoding.UTF8.GetString(rest.Slice(2, keyLength));
        rest = rest[(2 + keyLength)..];
        var stamp = Stamp.Read(rest);
        var length = BinaryPrimitives.ReadUInt32BigEndian(rest[Stamp.Length..]);
        rest = rest[(Stamp.Length + 4)..];
        if (length != Removed && length > rest.Length)
        {
            return false;
        }

        items[key] = new SessionItem(stamp, length == Removed ? null : rest[..(int)length].ToArray());
        rest = rest[(length == Removed ? 0 : (int)length)..];
        return true;
    }

    private static bool IsBefore(Stamp stamp, uint horizon) => (uint)(stamp.Value >> 32) < horizon;

    private static Stamp Max(Stamp left, Stamp right) => left > right ? left : right;
}
