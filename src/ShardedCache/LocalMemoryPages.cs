using System.Buffers;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache;

/// <summary>Pages where no Redis is configured, in Development: in this process's memory, with the entries and in their bound.</summary>
internal sealed class LocalMemoryPages(MemoryStore store, int maximumPayloadBytes, TimeProvider time) : IPageStore
{
    public string? GetShard(string key) => LocalMemoryCache.Shard;

    public ValueTask<byte[]?> GetAsync(string key, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<byte[]?>(cancellationToken)
            : new((byte[]?)store.Get(PageKeys.PageOf(key))?.Clone());

    public ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        var page = store.Get(PageKeys.PageOf(key));
        if (page is not null)
        {
            destination.Write(page);
        }

        return new(page is not null);
    }

    public ValueTask<PageRefusal?> SetAsync(string key, in ReadOnlySequence<byte> page, ReadOnlySpan<string> tags, TimeSpan life, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<PageRefusal?>(cancellationToken);
        }

        if (life <= TimeSpan.Zero || page.Length > maximumPayloadBytes)
        {
            return new(life <= TimeSpan.Zero ? PageRefusal.Life : PageRefusal.Size);
        }

        var now = time.GetUtcNow();
        var expiration = EntryExpiration.From(new() { AbsoluteExpirationRelativeToNow = life }, now, now.ToUnixTimeMilliseconds());
        store.Set([new(PageKeys.PageOf(key), page.ToArray())], expiration, group: null, tags.ToArray());
        return default;
    }

    public Task EvictAsync(string tag, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        store.RemoveTagged(tag);
        return Task.CompletedTask;
    }
}
