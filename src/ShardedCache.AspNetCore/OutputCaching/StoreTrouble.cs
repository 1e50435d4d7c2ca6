using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ShardedCache.AspNetCore.Diagnostics;

namespace ShardedCache.AspNetCore.OutputCaching;

/// <summary>What the output cache does with a shard's pages.</summary>
[Flags]
internal enum PageUse
{
    None = 0,
    Read = 1,
    Write = 2,
}

/// <summary>
/// Which shards fail the output cache now. A shard's failures are one line in the log, and its recovery another: when it does again
/// all that it had failed to do.
/// </summary>
internal sealed class StoreTrouble(IPageStore pages, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, PageUse> _failing = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<PageRefusal, bool> _refused = new();

    public void Failed(PageUse use, string key, Exception exception)
    {
        if (Change(ShardOf(key), use, PageUse.None) is (PageUse.None, _))
        {
            logger.OutputCacheUnavailable(ShardOf(key), exception);
        }
    }

    public void Succeeded(PageUse use, string key)
    {
        if (!_failing.IsEmpty && Change(ShardOf(key), PageUse.None, use) is (not PageUse.None, PageUse.None))
        {
            logger.OutputCacheAvailable(ShardOf(key));
        }
    }

    /// <summary>A page was refused before any shard was asked.</summary>
    public void Refused(PageRefusal refusal)
    {
        if (refusal != PageRefusal.Life && _refused.TryAdd(refusal, true))
        {
            logger.PageRefused(refusal);
        }
    }

    private (PageUse Before, PageUse Now) Change(string shard, PageUse fails, PageUse works)
    {
        lock (_lock)
        {
            var before = _failing.GetValueOrDefault(shard);
            var now = (before | fails) & ~works;
            if (now == PageUse.None)
            {
                _failing.TryRemove(shard, out _);
            }
            else
            {
                _failing[shard] = now;
            }

            return (before, now);
        }
    }

    private string ShardOf(string key) => pages.GetShard(key) ?? string.Empty;
}
