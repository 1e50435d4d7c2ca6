using ShardedCache.Connections;

namespace ShardedCache.Shards;

/// <summary>Why a connection may not serve the shard.</summary>
/// <param name="Reason">For the log and the caller.</param>
/// <param name="IsConfigurationError">Waiting will not help.</param>
/// <param name="IsTimeOut">The answer did not come in time; whether the connection is dead, it finds out itself.</param>
internal sealed record ShardRefusal(string Reason, bool IsConfigurationError, bool IsTimeOut = false)
{
    public static ShardRefusal Configuration(string reason) => new(reason, true);

    public static ShardRefusal Temporary(string reason) => new(reason, false);

    /// <summary>Interprets a control command's failure by its kind and its code word.</summary>
    public static ShardRefusal From(string command, ControlReply reply) => reply.Kind switch
    {
        ControlReplyKind.TimedOut => Temporary($"{command} was not answered in time") with { IsTimeOut = true },
        ControlReplyKind.ConnectionLost => Temporary($"the connection ended before {command} was answered"),
        ControlReplyKind.ServerError => new($"{command} was answered with: {reply.Text}",
            reply.Error is ServerErrorCode.NoAuth or ServerErrorCode.WrongPass or ServerErrorCode.NoPerm),
        _ => Temporary($"{command} was answered with an unexpected {reply.Kind}"),
    };
}
