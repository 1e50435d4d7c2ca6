using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>Gives the client a stream that is connected, once: for the reconnect that it tries after a loss there is none.</summary>
internal sealed class SocketTunnel(SocketStream stream) : Tunnel
{
    private bool _isGiven;

    // Refused here, not where the stream is asked for: the client would report that as a failure of its own, before the loss that it followed.
    public override ValueTask<EndPoint?> GetSocketConnectEndpointAsync(EndPoint endpoint, CancellationToken cancellationToken) =>
        Interlocked.Exchange(ref _isGiven, true) ? throw new InvalidOperationException("A connection has one socket in its life.") : default;

    public override ValueTask<Stream?> BeforeAuthenticateAsync(
        EndPoint endpoint, ConnectionType connectionType, Socket? socket, CancellationToken cancellationToken) => new(stream);
}
