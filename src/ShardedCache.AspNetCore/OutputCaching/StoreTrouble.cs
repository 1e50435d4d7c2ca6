using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ShardedCache.AspNetCore.Diagnostics;

namespace ShardedCache.AspNetCore.OutputCaching;

/// <summary>Which shards fail the output cache now. A shard's failures are one line in the log, and its recovery another.</summary>
internal sealed class StoreTrouble(IPageStore pages, ILogger logger)
{
    private readonly ConcurrentDictionary<string, bool> _failing = new(StringComparer.Ordinal);

    public void Failed(string key, Exception exception)
    {
        var shard = ShardOf(key);
        if (_failing.TryAdd(shard, true))
        {
            logger.OutputCacheUnavailable(shard, exception);
        }
    }

    public void Succeeded(string key)
    {
        if (!_failing.IsEmpty && ShardOf(key) is var shard && _failing.TryRemove(shard, out _))
        {
            logger.OutputCacheAvailable(shard);
        }
    }

    private string ShardOf(string key) => pages.GetShard(key) ?? string.Empty;
}
