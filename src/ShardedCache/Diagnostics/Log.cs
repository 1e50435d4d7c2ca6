using Microsoft.Extensions.Logging;
using ShardedCache.Connections;
using ShardedCache.Shards;

namespace ShardedCache.Diagnostics;

/// <summary>
/// All log messages, with constant event ids: never a key, a value or a secret. Ids: 1 to 99 configuration and life of
/// the cache, 100 connections, 200 Sentinels, 300 shards, 400 entries.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning,
        "No Redis is configured (ConnectionStrings:ShardedRedis): entries are kept in this process's memory only. This is allowed in Development alone.")]
    public static partial void LocalMemoryOnly(this ILogger logger);

    [LoggerMessage(2, LogLevel.Warning,
        "{Count} Sentinels are configured. An even number tolerates no more failures than one fewer would; use three or five.")]
    public static partial void EvenNumberOfSentinels(this ILogger logger, int count);

    [LoggerMessage(200, LogLevel.Information, "Shard {Shard}: the Sentinels' master is {Master} (epoch {Epoch}).")]
    public static partial void MasterAgreed(this ILogger logger, string shard, ServerAddress master, long epoch);

    [LoggerMessage(201, LogLevel.Warning,
        "Shard {Shard}: a majority of the Sentinels has gone back from epoch {Before} to {Epoch} for good, so the master is {Master}. An operator's REMOVE and MONITOR does this.")]
    public static partial void EpochReversed(this ILogger logger, string shard, ServerAddress master, long epoch, long before);

    [LoggerMessage(202, LogLevel.Warning, "Shard {Shard}: the Sentinels cannot reach the master {Master}, and have promoted no other yet.")]
    public static partial void MasterDown(this ILogger logger, string shard, ServerAddress? master);

    [LoggerMessage(203, LogLevel.Warning, "Shard {Shard}: nobody can say who is master. {Fault}")]
    public static partial void MasterUnconfirmed(this ILogger logger, string shard, string fault);

    [LoggerMessage(204, LogLevel.Error, "Shard {Shard}: nobody can say who is master, by configuration. {Fault}")]
    public static partial void MasterMisconfigured(this ILogger logger, string shard, string fault);

    [LoggerMessage(210, LogLevel.Warning, "Sentinel {Sentinel} does not answer ({Kind}: {Fault}).")]
    public static partial void SentinelUnreachable(this ILogger logger, ServerAddress sentinel, ConnectionFaultKind kind, string fault);

    [LoggerMessage(211, LogLevel.Error, "Sentinel {Sentinel} refuses us ({Kind}: {Fault}). Check its user, password, ACL rule and TLS.")]
    public static partial void SentinelRefuses(this ILogger logger, ServerAddress sentinel, ConnectionFaultKind kind, string fault);

    [LoggerMessage(212, LogLevel.Information, "Sentinel {Sentinel} answers again.")]
    public static partial void SentinelAnswersAgain(this ILogger logger, ServerAddress sentinel);

    [LoggerMessage(213, LogLevel.Information, "Sentinel {Sentinel} is asked from now on: other Sentinels name it.")]
    public static partial void SentinelLearned(this ILogger logger, ServerAddress sentinel);

    [LoggerMessage(214, LogLevel.Information, "Sentinel {Sentinel} is asked no more: it is gone, or the same as another.")]
    public static partial void SentinelForgotten(this ILogger logger, ServerAddress sentinel);

    [LoggerMessage(215, LogLevel.Information, "Sentinel {Sentinel} does not let us subscribe ({Error}): it is polled alone.")]
    public static partial void SentinelRefusesToSubscribe(this ILogger logger, ServerAddress sentinel, string? error);

    [LoggerMessage(216, LogLevel.Warning, "Sentinel {Sentinel} is in TILT mode: its view of who is down is disregarded.")]
    public static partial void SentinelInTilt(this ILogger logger, ServerAddress sentinel);

    [LoggerMessage(217, LogLevel.Error, "Asking Sentinel {Sentinel} has failed.")]
    public static partial void SentinelQuestionFailed(this ILogger logger, ServerAddress sentinel, Exception exception);

    public static void ShardMoved(this ILogger logger, ShardState before, ShardSnapshot now)
    {
        switch (now.State)
        {
            case ShardState.Up:
                logger.ShardUp(now.Name, now.Master?.ToString());
                break;
            case ShardState.Misconfigured:
                logger.ShardMisconfigured(now.Name, now.Reason);
                break;
            case ShardState.Recovering:
                logger.ShardRecovering(now.Name, now.Master?.ToString());
                break;
            default:
                logger.ShardNotUp(now.Name, before, now.State, now.Reason);
                break;
        }
    }

    [LoggerMessage(300, LogLevel.Information, "Shard {Shard} is up on {Master}.")]
    private static partial void ShardUp(this ILogger logger, string shard, string? master);

    [LoggerMessage(301, LogLevel.Warning, "Shard {Shard} went from {Before} to {Now}: {Reason}")]
    private static partial void ShardNotUp(this ILogger logger, string shard, ShardState before, ShardState now, string? reason);

    [LoggerMessage(302, LogLevel.Error, "Shard {Shard} can't be used until the configuration is mended: {Reason}")]
    private static partial void ShardMisconfigured(this ILogger logger, string shard, string? reason);

    [LoggerMessage(303, LogLevel.Debug, "Shard {Shard} has verified {Master} as its master.")]
    private static partial void ShardRecovering(this ILogger logger, string shard, string? master);

    [LoggerMessage(304, LogLevel.Warning, "Shard {Shard}: {Master} is another process than before; it may have restarted without its data.")]
    public static partial void ServerRestarted(this ILogger logger, string shard, ServerAddress master);

    [LoggerMessage(308, LogLevel.Warning, "Shard {Shard}: the data of {Master} do not continue those of {Before}, the master before it: it may have been promoted without them.")]
    public static partial void DataNotContinued(this ILogger logger, string shard, ServerAddress master, ServerAddress before);

    [LoggerMessage(305, LogLevel.Error, "Shard {Shard}: {Master} forbids a command that the cache needs: {Error}")]
    public static partial void CommandForbidden(this ILogger logger, string shard, ServerAddress master, string? error);

    [LoggerMessage(306, LogLevel.Critical, "Shard {Shard}: the supervisor has met an error that it did not expect and goes on.")]
    public static partial void SupervisorFailed(this ILogger logger, string shard, Exception exception);

    [LoggerMessage(307, LogLevel.Error, "Shard {Shard}: {Count} writes that were acknowledged here could not be brought to a master before the cache ended.")]
    public static partial void WritesUndelivered(this ILogger logger, string shard, int count);
}
