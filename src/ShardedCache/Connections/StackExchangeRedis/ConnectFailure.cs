using System.Security.Authentication;
using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>Finds in the client's exceptions why no connection came about.</summary>
internal static class ConnectFailure
{
    public const string HandshakeHint = "Check that ssl= is as the server has it, and that a Sentinel's port is given with shards= only.";

    public static ConnectionFault Refusal(ServerAddress address, string serverText)
    {
        // The client appends advice of its own to a NOAUTH.
        var end = serverText.IndexOf(". Verify", StringComparison.Ordinal);
        var text = end < 0 ? serverText.TrimEnd('.') : serverText[..end];
        return new ConnectionFault(
            ConnectionFaultKind.Refused,
            $"{address} refused the user at the handshake: {text}. Check user= and password= (for a Sentinel sentinelUser= and sentinelPassword=).");
    }

    public static ConnectionFault ToFault(ServerAddress address, IEnumerable<Exception> failures)
    {
        var chain = failures.SelectMany(Chain).ToList();
        if (chain.OfType<AuthenticationException>().FirstOrDefault() is { } tls)
        {
            return new ConnectionFault(ConnectionFaultKind.Tls, $"The TLS handshake with {address} failed: {tls.Message}");
        }

        var refusal = chain.Select(ServerText).FirstOrDefault(
            static text => ServerErrors.Classify(text) is ServerErrorCode.NoAuth or ServerErrorCode.WrongPass or ServerErrorCode.NoPerm);
        if (refusal is not null)
        {
            return Refusal(address, refusal);
        }

        return chain.OfType<RedisConnectionException>().Any(static failure => failure.FailureType != ConnectionFailureType.UnableToConnect)
            ? new ConnectionFault(ConnectionFaultKind.ClosedByPeer, $"{address} ended the connection during the handshake. {HandshakeHint}")
            : new ConnectionFault(ConnectionFaultKind.Unreachable, $"No connection to {address}.");
    }

    // The client shows a reply by which the handshake failed as its type and text, and may add a hint.
    private static string ServerText(Exception failure)
    {
        const string type = "SimpleError: ";
        var text = failure.Message;
        return text.StartsWith(type, StringComparison.Ordinal) ? text[type.Length..] : text;
    }

    private static IEnumerable<Exception> Chain(Exception? failure)
    {
        for (; failure is not null; failure = failure.InnerException)
        {
            yield return failure;
        }
    }
}
