namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>What is asked of a server once the client calls it connected, and before the connection is handed out.</summary>
internal static class Handshake
{
    /// <summary>
    /// Asks whether the server knows user and password, and for the connection's id. On failure the connection is closed.
    /// </summary>
    public static async Task<OpenResult> FinishAsync(
        StackExchangeConnection connection, ConnectionSettings settings, Credentials credentials, CancellationToken cancellationToken)
    {
        ConnectionFault? fault;
        try
        {
            fault = await AuthenticateAsync(connection, credentials, cancellationToken).ConfigureAwait(false)
                ?? (settings.Kind == ServerKind.Sentinel ? null : await IdentifyAsync(connection, cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            connection.Close(new ConnectionFault(ConnectionFaultKind.HandshakeTimedOut, "Cancelled during the handshake."));
            throw;
        }

        if (fault is null)
        {
            return new OpenResult(connection, null);
        }

        connection.Close(fault);
        return new OpenResult(null, fault);
    }

    /// <summary>
    /// The client goes on after a refused AUTH where the default user needs no password, and the application would work as
    /// another user than it says: so the server itself is asked.
    /// </summary>
    private static async Task<ConnectionFault?> AuthenticateAsync(
        StackExchangeConnection connection, Credentials credentials, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(credentials.Password))
        {
            return null;
        }

        string[] command = string.IsNullOrEmpty(credentials.User)
            ? ["AUTH", credentials.Password]
            : ["AUTH", credentials.User, credentials.Password];
        var reply = await connection.ExecuteAsync(command, cancellationToken).ConfigureAwait(false);
        return reply.Kind switch
        {
            ControlReplyKind.Text => null,
            ControlReplyKind.ServerError => ConnectFailure.Refusal(connection.Address, reply.Text),
            _ => new ConnectionFault(ConnectionFaultKind.HandshakeTimedOut, $"{connection.Address} did not answer AUTH ({reply.Kind})."),
        };
    }

    private static async Task<ConnectionFault?> IdentifyAsync(StackExchangeConnection connection, CancellationToken cancellationToken)
    {
        var id = await connection.ExecuteAsync(new[] { "CLIENT", "ID" }, cancellationToken).ConfigureAwait(false);
        connection.ClientId = id.Integer;
        return id switch
        {
            { Kind: ControlReplyKind.Integer } => null,
            { Error: ServerErrorCode.NoAuth or ServerErrorCode.NoPerm } => new ConnectionFault(ConnectionFaultKind.Refused, $"{connection.Address} refused the user at the handshake: {id.Text}"),
            { Kind: ControlReplyKind.TimedOut } => new ConnectionFault(ConnectionFaultKind.HandshakeTimedOut, $"{connection.Address} did not answer CLIENT ID."),
            _ => new ConnectionFault(ConnectionFaultKind.ClosedByPeer, $"{connection.Address} did not tell the connection's id ({id.Kind})."),
        };
    }
}
