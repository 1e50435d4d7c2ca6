using System.Diagnostics.CodeAnalysis;

namespace ShardedCache.Connections;

/// <summary>Opens connections: the one entrance to a transport.</summary>
internal interface IServerConnector : IAsyncDisposable
{
    /// <summary>
    /// Connects and finishes the transport's handshake: TCP, TLS, authentication, client name, client id. Bounded by the
    /// settings' connect time-out. Throws only <see cref="OperationCanceledException"/>.
    /// </summary>
    ValueTask<OpenResult> OpenAsync(ServerAddress address, ConnectionSettings settings, CancellationToken cancellationToken);
}

/// <summary>Either a connection or the reason why there is none.</summary>
internal sealed record OpenResult(IServerConnection? Connection, ConnectionFault? Fault)
{
    [MemberNotNullWhen(true, nameof(Connection))]
    [MemberNotNullWhen(false, nameof(Fault))]
    public bool IsOpen => Connection is not null;
}
