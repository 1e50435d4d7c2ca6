namespace ShardedCache.Failover;

/// <summary>What makes an entry of the local store a page: its tags. Its payload is the page alone, without their table.</summary>
internal sealed class PageRecord(IReadOnlyList<string> tags)
{
    public IReadOnlyList<string> Tags => tags;

    /// <summary>
    /// A server had it once. Another instance may then have seen and evicted it, so while the shard is not up it is no longer served.
    /// </summary>
    public bool WasAcknowledged { get; set; }

    public long Size { get; } = tags.Sum(static tag => (long)tag.Length * sizeof(char));
}
