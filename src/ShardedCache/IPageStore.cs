using System.Buffers;

namespace ShardedCache;

/// <summary>
/// Pages of the output cache, and the tags that lead to them. Keys and tags are any strings; what cannot be stored is not, and is counted.
/// </summary>
internal interface IPageStore
{
    /// <summary>The shard of a page; null where no page can have this key.</summary>
    string? GetShard(string key);

    ValueTask<byte[]?> GetAsync(string key, CancellationToken cancellationToken);

    /// <summary>Writes the page to the destination where there is one.</summary>
    ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken cancellationToken);

    /// <summary>Stores the page. Payload and tags are the caller's again when this returns: neither is kept.</summary>
    /// <returns>Why no page can be stored like this, and nothing was sent; null where it was.</returns>
    ValueTask<PageRefusal?> SetAsync(string key, in ReadOnlySequence<byte> page, ReadOnlySpan<string> tags, TimeSpan life, CancellationToken cancellationToken);

    /// <summary>Evicts the pages that carry the tag, on every shard at once.</summary>
    /// <exception cref="ShardUnavailableException">A shard has neither done it nor will.</exception>
    Task EvictAsync(string tag, CancellationToken cancellationToken);
}

/// <summary>What about a page is beyond what is stored.</summary>
internal enum PageRefusal : byte
{
    /// <summary>It would have expired at once.</summary>
    Life,

    Key,

    Tags,

    Size,
}

/// <summary>A cache that keeps pages, too.</summary>
internal interface IPageCache
{
    IPageStore Pages { get; }
}
