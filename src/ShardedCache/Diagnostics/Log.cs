using Microsoft.Extensions.Logging;

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
}
