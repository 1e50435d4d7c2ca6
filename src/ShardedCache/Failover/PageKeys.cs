using System.Text;
using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>
/// The keys of cached pages and of their tags, behind the instance name. Callers may not use such names. A tag's keys lie on every
/// shard that has pages with it, and the sharding rule has no say in that.
/// </summary>
internal static class PageKeys
{
    private const string Reserved = "__shardedcache:";
    private const string Page = Reserved + "page:";
    private const string Evicted = Reserved + "tag-evicted:";

    // Begins the longest of a tag's keys, with the longest number of a bucket.
    private const int LongestTagPrefix = 45;

    /// <summary>The name of the key that a page lies under.</summary>
    public static string PageOf(string key) => Page + key;

    /// <summary>The key of the stamp at which the tag was last evicted. The evictions of a shard share a stripe.</summary>
    public static StoredKey EvictionOf(byte[] prefix, string tag) => new(prefix, Evicted + tag);

    /// <summary>The tag of a key of <see cref="EvictionOf"/>.</summary>
    public static string TagOf(in StoredKey eviction) => eviction.Name[Evicted.Length..];

    /// <summary>What all these keys begin with.</summary>
    public static byte[] Root(byte[] prefix) => [.. prefix, .. "__shardedcache:"u8];

    /// <summary>Whether a tag has a UTF-8 form, and its keys are not longer than this.</summary>
    public static bool IsTag(string tag, int prefixLength, int maxBytes) => tag.Length <= maxBytes
        && (!tag.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') || Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(tag)) == tag)
        && prefixLength + LongestTagPrefix + Encoding.UTF8.GetByteCount(tag) <= maxBytes;

    /// <summary>The same for a page that was read.</summary>
    public static bool IsEvicted(LocalStore store, byte[] prefix, EntryReader reader) =>
        store.StripeOf(EvictionOf(prefix, string.Empty)).Evictions > 0
        && IsEvicted(store, prefix, PageFormat.Tags(reader.Collected), reader.Header.Stamp);

    /// <summary>Whether this process has evicted one of the tags after the stamp, and the shard may not have done it yet.</summary>
    public static bool IsEvicted(LocalStore store, byte[] prefix, IReadOnlyList<string> tags, Stamp stamp)
    {
        var stripe = store.StripeOf(EvictionOf(prefix, string.Empty));
        if (tags.Count == 0 || stripe.Evictions == 0)
        {
            return false;
        }

        lock (stripe.Lock)
        {
            return tags.Any(tag => stripe.Find(EvictionOf(prefix, tag).Name) is { Kind: LocalKind.Eviction } eviction && stamp < eviction.Header.Stamp);
        }
    }
}
