using Microsoft.Extensions.Logging;

namespace ShardedCache.AspNetCore.Diagnostics;

/// <summary>
/// All that this assembly logs, with constant event ids. Never a key, a session's identifier, or a secret. Ids: 500 output cache, 510 sessions.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(500, LogLevel.Warning, "Output cache: shard {Shard} does not take or give pages; responses are generated. This is logged once until it does again.")]
    public static partial void OutputCacheUnavailable(this ILogger logger, string shard, Exception exception);

    [LoggerMessage(501, LogLevel.Information, "Output cache: shard {Shard} takes and gives pages again.")]
    public static partial void OutputCacheAvailable(this ILogger logger, string shard);

    [LoggerMessage(502, LogLevel.Warning,
        "Output cache: a page is beyond what is stored, by its {Reason}; its response is generated each time. This is logged once for each reason.")]
    public static partial void PageRefused(this ILogger logger, PageRefusal reason);

    [LoggerMessage(510, LogLevel.Warning,
        "Sessions of shard {Shard} are not available: nothing that could be read has them. What requests change of them is merged later.")]
    public static partial void SessionsPartial(this ILogger logger, string shard);

    [LoggerMessage(511, LogLevel.Error, "Sessions of shard {Shard} are not available.")]
    public static partial void SessionsUnavailable(this ILogger logger, string shard, Exception? exception);

    [LoggerMessage(512, LogLevel.Information, "Sessions of shard {Shard} are available again.")]
    public static partial void SessionsAvailable(this ILogger logger, string shard);

    [LoggerMessage(513, LogLevel.Warning, "Loading a session took longer than SessionOptions.IOTimeout.")]
    public static partial void SessionLoadTimedOut(this ILogger logger);

    [LoggerMessage(514, LogLevel.Warning, "Committing a session took longer than SessionOptions.IOTimeout.")]
    public static partial void SessionCommitTimedOut(this ILogger logger);
}
