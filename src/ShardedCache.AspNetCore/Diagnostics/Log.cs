using Microsoft.Extensions.Logging;

namespace ShardedCache.AspNetCore.Diagnostics;

/// <summary>
/// All log messages of this assembly, with constant event ids: never a key, a value or a secret. Ids: 500 output cache.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(500, LogLevel.Warning, "Output cache: shard {Shard} does not take or give pages; responses are generated. This is logged once until it does again.")]
    public static partial void OutputCacheUnavailable(this ILogger logger, string shard, Exception exception);

    [LoggerMessage(501, LogLevel.Information, "Output cache: shard {Shard} takes and gives pages again.")]
    public static partial void OutputCacheAvailable(this ILogger logger, string shard);
}
