namespace ShardedCache.Connections;

internal enum ConnectionFaultKind : byte
{
    /// <summary>No TCP connection: refused, unreachable, or the host name is unknown.</summary>
    Unreachable,

    /// <summary>Connected, but the handshake did not finish in time.</summary>
    HandshakeTimedOut,

    /// <summary>NOAUTH, WRONGPASS, or NOPERM during the handshake: a configuration error.</summary>
    Refused,

    /// <summary>The TLS handshake failed: a configuration error.</summary>
    Tls,

    /// <summary>The peer closed the connection, or the network reset it.</summary>
    ClosedByPeer,

    /// <summary>Nothing was received for the operation time-out while a reply was awaited.</summary>
    Silent,

    /// <summary>The peer sent bytes that are not the protocol.</summary>
    Protocol,

    /// <summary>The application's own code gave no credentials. Perhaps it will the next time.</summary>
    NoCredentials,

    /// <summary>We closed it: another server is master now, or the cache was disposed.</summary>
    ClosedByUs,
}

/// <summary>Why a connection could not be opened or ended. The message never holds a secret.</summary>
internal sealed record ConnectionFault(ConnectionFaultKind Kind, string Message)
{
    public bool IsConfigurationError => Kind is ConnectionFaultKind.Refused or ConnectionFaultKind.Tls;
}
