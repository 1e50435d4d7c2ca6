using System.Security.Authentication;
using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>Translates the client's exceptions.</summary>
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

    /// <summary>Why no connection came about.</summary>
    public static ConnectionFault OfConnect(ServerAddress address, IReadOnlyList<Exception> failures)
    {
        foreach (var failure in failures.SelectMany(Chain))
        {
            var code = ServerErrors.Classify(failure.Message);
            if (code is ServerErrorCode.NoAuth or ServerErrorCode.WrongPass or ServerErrorCode.NoPerm)
            {
                return new ConnectionFault(ConnectionFaultKind.Refused, $"{address} refused user or password at the handshake ({Word(failure.Message)}).");
            }

            if (failure is AuthenticationException)
            {
                return new ConnectionFault(ConnectionFaultKind.Tls, $"The TLS handshake with {address} failed: {failure.Message}");
            }
        }

        return failures.SelectMany(Chain).OfType<RedisConnectionException>().Any(static failure => failure.FailureType
                is ConnectionFailureType.SocketClosed or ConnectionFailureType.SocketFailure or ConnectionFailureType.ProtocolFailure or ConnectionFailureType.Loading)
            ? new ConnectionFault(ConnectionFaultKind.ClosedByPeer, $"{address} ended the connection during the handshake.")
            : new ConnectionFault(ConnectionFaultKind.Unreachable, $"No connection to {address}.");
    }

    private static string Word(string text) => text.Split(' ', 2)[0];

    private static IEnumerable<Exception> Chain(Exception? failure)
    {
        for (; failure is not null; failure = failure.InnerException)
        {
            yield return failure;
        }
    }
}
