using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>Translates what the client throws once a connection is open.</summary>
internal static class ClientFailure
{
    /// <summary>The exception of a task that has failed or was cancelled; observes it.</summary>
    public static Exception Of(Task task) => task.Exception?.InnerException ?? new TaskCanceledException(task);

    public static Reply ToReply(Exception failure) => failure switch
    {
        RedisServerException => Reply.FromError(failure.Message),
        RedisCommandException => Reply.FromError("ERR " + failure.Message),
        RedisTimeoutException => Reply.TimedOut,
        _ => Reply.ConnectionLost,
    };

    public static ControlReply ToControlReply(Exception failure) => failure switch
    {
        RedisServerException => ControlReply.FromError(failure.Message),
        RedisCommandException => ControlReply.FromError("ERR " + failure.Message),
        RedisTimeoutException => ControlReply.TimedOut,
        _ => ControlReply.ConnectionLost,
    };

    /// <summary>Why a connection that was open has ended; null when this failure is of one command alone.</summary>
    public static ConnectionFault? ToFault(Exception failure) => failure switch
    {
        RedisServerException or RedisCommandException or RedisTimeoutException => null,
        RedisConnectionException connection => ToFault(connection.FailureType),
        _ => ToFault(ConnectionFailureType.SocketClosed),
    };

    public static ConnectionFault ToFault(ConnectionFailureType type) => type switch
    {
        ConnectionFailureType.ProtocolFailure or ConnectionFailureType.InternalFailure =>
            new ConnectionFault(ConnectionFaultKind.Protocol, "The server sent something that is not a reply; the connection was ended."),
        _ => new ConnectionFault(ConnectionFaultKind.ClosedByPeer, "The server or the network ended the connection."),
    };
}
