using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ShardedCache.AspNetCore.Diagnostics;
using ShardedCache.Shards;

namespace ShardedCache.AspNetCore.Session;

/// <summary>Says once when the sessions of a shard become unavailable, and once when they are available again.</summary>
internal sealed class SessionAvailability(ILogger logger)
{
    private readonly ConcurrentDictionary<string, bool> _unavailable = new(StringComparer.Ordinal);

    public void Report(in SessionLoad load)
    {
        if (!load.IsAvailable)
        {
            if (_unavailable.TryAdd(load.Shard, true))
            {
                if (load.TakesChanges)
                {
                    logger.SessionsPartial(load.Shard);
                }
                else
                {
                    logger.SessionsUnavailable(load.Shard, null);
                }
            }
        }
        else if (load.IsFromMaster && !_unavailable.IsEmpty && _unavailable.TryRemove(load.Shard, out _))
        {
            logger.SessionsAvailable(load.Shard);
        }
    }

    public void Failed(Exception exception)
    {
        var shard = (exception as ShardUnavailableException)?.Shard ?? "unknown";
        if (_unavailable.TryAdd(shard, true))
        {
            logger.SessionsUnavailable(shard, exception);
        }
    }
}
