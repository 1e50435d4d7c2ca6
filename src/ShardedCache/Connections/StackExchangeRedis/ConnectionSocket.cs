using System.Net.Sockets;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>
/// The one socket of a connection. The client hands it over before it connects; a second one, for the reconnect that the
/// client tries at once after a loss whatever its retry policy says, is refused.
/// </summary>
internal sealed class ConnectionSocket(int unacknowledgedLimitMilliseconds)
{
    private readonly Lock _gate = new();
    private Socket? _socket;
    private bool _closed;

    public bool IsConnected => Volatile.Read(ref _socket) is { } socket && Reads(socket);

    public void Adopt(Socket socket)
    {
        lock (_gate)
        {
            if (_socket is null && !_closed)
            {
                SocketProfile.Apply(socket, unacknowledgedLimitMilliseconds);
                _socket = socket;
                return;
            }
        }

        socket.Dispose();
        throw new InvalidOperationException("A connection has one socket in its life.");
    }

    /// <summary>Ends the connection with a reset: the kernel forgets what was not sent, and nothing lingers.</summary>
    public void Abort()
    {
        Socket? socket;
        lock (_gate)
        {
            _closed = true;
            socket = _socket;
        }

        socket?.Close(0);
    }

    public long? MillisecondsSinceData() => Volatile.Read(ref _socket) is { } socket ? SocketProgress.MillisecondsSinceData(socket) : null;

    private static bool Reads(Socket socket)
    {
        try
        {
            return socket.Connected;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }
}
