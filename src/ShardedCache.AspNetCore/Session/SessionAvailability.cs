using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ShardedCache.AspNetCore.Diagnostics;
using ShardedCache.Shards;

namespace ShardedCache.AspNetCore.Session;

/// <summary>Says once when the sessions of a shard become unavailable, and once when they are available again.</summary>
internal sealed class SessionAvailability(ILogger logger, TimeProvider time)
{
    private const long Never = long.MinValue;

    private static readonly TimeSpan FailurePause = TimeSpan.FromMinutes(1);

    /// <summary>And whether changes were still taken when that was said.</summary>
    private readonly ConcurrentDictionary<string, bool> _unavailable = new(StringComparer.Ordinal);

    private long _failedAt = Never;

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
        else if (Volatile.Read(ref _failedAt) is var last
            && (last == Never || time.GetElapsedTime(last) >= FailurePause)
            && Interlocked.CompareExchange(ref _failedAt, time.GetTimestamp(), last) == last)
        {
            // Each request may meet it, and nothing would tell when that is over: so it is said again, but not each time.
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
