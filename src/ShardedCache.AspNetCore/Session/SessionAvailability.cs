using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ShardedCache.AspNetCore.Diagnostics;
using ShardedCache.Shards;

namespace ShardedCache.AspNetCore.Session;

/// <summary>Says once when the sessions of a shard become unavailable, and once when they are available again.</summary>
internal sealed class SessionAvailability(ILogger logger)
{
    /// <summary>And whether changes were still taken when that was said.</summary>
    private readonly ConcurrentDictionary<string, bool> _unavailable = new(StringComparer.Ordinal);

    public void Report(in SessionLoad load)
    {
        if (!load.IsAvailable)
        {
            if (!load.TakesChanges)
            {
                ReportUnavailable(load.Shard, null);
            }
            else if (_unavailable.TryAdd(load.Shard, true))
            {
                logger.SessionsPartial(load.Shard);
            }
        }
        else if (load.IsFromMaster && !_unavailable.IsEmpty && _unavailable.TryRemove(load.Shard, out _))
        {
            logger.SessionsAvailable(load.Shard);
        }
    }

    public void Failed(Exception exception)
    {
        if (exception is ShardUnavailableException { Shard: { } shard })
        {
            ReportUnavailable(shard, exception);
        }
        else
        {
            // Nothing would tell when that is over.
            logger.SessionsUnavailable("unknown", exception);
        }
    }

    private void ReportUnavailable(string shard, Exception? exception)
    {
        if (_unavailable.TryAdd(shard, false) || _unavailable.TryUpdate(shard, newValue: false, comparisonValue: true))
        {
            logger.SessionsUnavailable(shard, exception);
        }
    }
}
