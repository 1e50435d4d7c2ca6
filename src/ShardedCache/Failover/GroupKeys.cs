using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>The keys beside the members of a key group. They carry the group's hash tag, so they live on its shard, and in its stripe.</summary>
internal static class GroupKeys
{
    private const string Reserved = "__shardedcache:group:";

    private const string Removed = ":removed";

    /// <summary>The member index. Callers may not use such a name.</summary>
    public static string IndexOf(string group) => $"{Reserved}{{{group}}}";

    /// <summary>The stamp at which the whole group was last removed.</summary>
    public static string RemovalOf(string group) => IndexOf(group) + Removed;

    /// <summary>Whether its hash tag could be a group's.</summary>
    public static bool CouldBeMember(string key) => HashTagOf(key).Length > 0;

    /// <summary>Whether it was read, and could be a member: then a removal of the whole group might miss it where it is brought back alone.</summary>
    public static bool MayBelong(LocalEntry entry) => entry.Membership == Membership.Unknown && CouldBeMember(entry.Key.Name);

    /// <summary>The member index of a key's group, where its hash tag could be one's; else null.</summary>
    public static string? IndexForKey(string key) => HashTagOf(key) is { Length: > 0 } tag ? string.Concat(Reserved, "{", tag, "}") : null;

    /// <summary>The removal stamp of a key's group, where its hash tag could be one's; else null.</summary>
    public static string? RemovalForKey(string key) => IndexForKey(key) is { } index ? index + Removed : null;

    /// <summary>Whether the whole group was removed in this process after the entry was written, and the entry may belong to it.</summary>
    public static bool IsRemoved(LocalStripe stripe, LocalEntry entry) =>
        (entry.Group is not null || entry.Membership != Membership.None || entry.WasRead || entry.Standing == Standing.Standby)
        && RemovalAfter(stripe, entry.Key.Name, entry.Header.Stamp) is not null;

    /// <summary>This process's removal of the whole group that the key may belong to, where it is later than the stamp.</summary>
    public static LocalEntry? RemovalAfter(LocalStripe stripe, string key, Stamp stamp) =>
        stripe.GroupRemovals > 0
        && IndexForKey(key) is { } index
        && stripe.Find(index) is { Group.IsRemovalOfAll: true } removal
        && stamp < removal.Header.Stamp ? removal : null;

    private static ReadOnlySpan<char> HashTagOf(string key)
    {
        var open = key.IndexOf('{', StringComparison.Ordinal);
        if (open < 0)
        {
            return [];
        }

        var tail = key.AsSpan(open + 1);
        var length = tail.IndexOf('}');
        return length > 0 ? tail[..length] : [];
    }
}
