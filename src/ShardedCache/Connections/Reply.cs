namespace ShardedCache.Connections;

/// <summary>What became of one command. Expected failures are values, so that a failover does not throw per operation.</summary>
internal enum ReplyKind : byte
{
    /// <summary>The server has answered with a value, an integer or OK.</summary>
    Ok,

    /// <summary>The server has answered with nil.</summary>
    Nil,

    /// <summary>The server has refused the command; see <see cref="Reply.Error"/>.</summary>
    ServerError,

    /// <summary>No reply within the operation time-out. The server may still have executed the command.</summary>
    TimedOut,

    /// <summary>The connection ended first, or was closed already. The server may have executed the command.</summary>
    ConnectionLost,
}

/// <summary>A Redis error's code word: the only part of an error that is ever interpreted.</summary>
internal enum ServerErrorCode : byte
{
    None,
    Other,
    ReadOnly,
    MasterDown,
    Loading,
    Busy,
    Misconf,
    NoReplicas,
    OutOfMemory,
    NoAuth,
    WrongPass,
    NoPerm,
    WrongType,
    NoScript,
    NoGoodSlave,
}

/// <summary>The outcome of one command. A value that was read is in the caller's buffer writer, never here.</summary>
internal readonly record struct Reply(ReplyKind Kind, long Integer = 0, ServerErrorCode Error = ServerErrorCode.None, string? ErrorText = null)
{
    public static Reply Ok => default;

    public static Reply Nil => new(ReplyKind.Nil);

    public static Reply TimedOut => new(ReplyKind.TimedOut);

    public static Reply ConnectionLost => new(ReplyKind.ConnectionLost);

    public static Reply FromError(string errorText) =>
        new(ReplyKind.ServerError, 0, ServerErrors.Classify(errorText), ServerErrors.WithoutArguments(errorText));

    /// <summary>For a command whose answer tells nothing.</summary>
    public static async Task Drop(ValueTask<Reply> reply) => await reply.ConfigureAwait(false);
}
