namespace ShardedCache.Connections.Resp;

/// <summary>What is said first on a new connection: who we are, and which protocol we speak.</summary>
internal static class RespHandshake
{
    public const string Hint = "Check that ssl= is as the server has it, and that a Sentinel's port is given with shards= only.";

    /// <summary>Null when the server has accepted us.</summary>
    public static async Task<ConnectionFault?> RunAsync(
        RespConnection connection, ConnectionSettings settings, Credentials credentials, CancellationToken cancellationToken)
    {
        var hello = await connection.ExecuteAsync(Hello(settings, credentials), cancellationToken).ConfigureAwait(false);
        if (Fault(connection, hello) is { } fault || settings.Kind == ServerKind.Sentinel)
        {
            return Fault(connection, hello);
        }

        // HELLO tells the id too, but is allowed to a user who may do nothing else.
        var id = await connection.ExecuteAsync(new[] { "CLIENT", "ID" }, cancellationToken).ConfigureAwait(false);
        connection.ClientId = id.Integer;
        return Fault(connection, id);
    }

    private static string[] Hello(ConnectionSettings settings, Credentials credentials)
    {
        string[] name = settings.ClientName.Length == 0 ? [] : ["SETNAME", settings.ClientName];
        return string.IsNullOrEmpty(credentials.Password)
            ? ["HELLO", "3", .. name]
            : ["HELLO", "3", "AUTH", string.IsNullOrEmpty(credentials.User) ? "default" : credentials.User, credentials.Password, .. name];
    }

    private static ConnectionFault? Fault(RespConnection connection, ControlReply reply) => reply switch
    {
        { IsAnswer: true } => null,
        { Error: ServerErrorCode.NoAuth or ServerErrorCode.WrongPass or ServerErrorCode.NoPerm } => new ConnectionFault(
            ConnectionFaultKind.Refused,
            $"{connection.Address} refused the user at the handshake: {reply.Text}. Check user= and password= (for a Sentinel sentinelUser= and sentinelPassword=)."),
        { Kind: ControlReplyKind.ServerError } => new ConnectionFault(
            ConnectionFaultKind.ClosedByPeer, $"{connection.Address} refused the connection: {reply.Text}. The cache needs Redis 7.0 or later."),
        _ => new ConnectionFault(ConnectionFaultKind.ClosedByPeer, $"{connection.Address} ended the connection during the handshake. {Hint}"),
    };
}
