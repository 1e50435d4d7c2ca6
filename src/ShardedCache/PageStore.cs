using System.Buffers;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Failover;
using ShardedCache.Sharding;
using ShardedCache.Shards;

namespace ShardedCache;

/// <summary>Pages over all shards: a page goes to the shard of its key, an eviction to every shard.</summary>
internal sealed class PageStore(
    CacheSettings settings, byte[] prefix, ShardingRule rule, ShardPages[] shards, EntryReaderPool readers, ShardedCacheMetrics metrics) : IPageStore
{
    /// <summary>So that writing a page stays a short step of its server.</summary>
    public const int MaxTags = 250;

    public string? GetShard(string key) => TryRoute(key, out _) is { } pages ? pages.Shard.Name : null;

    public async ValueTask<byte[]?> GetAsync(string key, CancellationToken cancellationToken)
    {
        if (TryRoute(key, out var stored) is not { } pages)
        {
            return null;
        }

        // A reader whose read was cancelled is dropped: its transport may still write to it.
        var reader = readers.Rent();
        reader.Begin(pages.Shard.Clock);
        var page = await pages.GetAsync(stored, reader, cancellationToken).ConfigureAwait(false) ? Body(reader).ToArray() : null;
        readers.Return(reader);
        return page;
    }

    public async ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken cancellationToken)
    {
        if (TryRoute(key, out var stored) is not { } pages)
        {
            return false;
        }

        var reader = readers.Rent();
        reader.Begin(pages.Shard.Clock);
        var isFound = await pages.GetAsync(stored, reader, cancellationToken).ConfigureAwait(false);
        if (isFound)
        {
            destination.Write(Body(reader));
        }

        readers.Return(reader);
        return isFound;
    }

    public ValueTask<PageRefusal?> SetAsync(string key, in ReadOnlySequence<byte> page, ReadOnlySpan<string> tags, TimeSpan life, CancellationToken cancellationToken)
    {
        if (life <= TimeSpan.Zero)
        {
            return new(PageRefusal.Life);
        }

        string[] kept = [.. tags.ToArray().Where(static tag => tag is not null).Distinct(StringComparer.Ordinal)];
        var pages = TryRoute(key, out var stored);
        PageRefusal? refusal = pages is null ? PageRefusal.Key
            : page.Length > settings.MaximumPayloadBytes ? PageRefusal.Size
            : kept.Length > MaxTags || !kept.All(IsTag) ? PageRefusal.Tags
            : null;
        if (refusal is not { } reason)
        {
            return StoreAsync(pages!.SetAsync(stored, page.ToArray(), kept, life, cancellationToken));
        }

        metrics.PageRefused(reason switch { PageRefusal.Key => "key", PageRefusal.Size => "size", _ => "tags" });
        return new(refusal);

        static async ValueTask<PageRefusal?> StoreAsync(ValueTask storing)
        {
            await storing.ConfigureAwait(false);
            return null;
        }
    }

    public async Task EvictAsync(string tag, CancellationToken cancellationToken)
    {
        // No page carries a tag that cannot be stored.
        if (IsTag(tag))
        {
            var key = PageKeys.EvictionOf(prefix, tag);
            await Task.WhenAll(shards.Select(pages => pages.EvictAsync(key, cancellationToken))).ConfigureAwait(false);
        }
    }

    private static ReadOnlySpan<byte> Body(EntryReader reader) =>
        PageFormat.TryFindBody(reader.Collected, out var start) ? reader.Collected[start..] : [];

    private bool IsTag(string tag) => PageKeys.IsTag(tag, prefix.Length, KeyEncoding.MaxBytes);

    private ShardPages? TryRoute(string key, out StoredKey stored) =>
        rule.TryRouteOwn(new StoredKey(prefix, PageKeys.PageOf(key)), out stored, out var shard) ? shards[shard] : null;
}
