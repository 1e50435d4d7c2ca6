using System.Net.Sockets;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>
/// The one socket of a connection, connected by us, or, where there is TLS or a tunnel of the application's, by the client, which hands
/// it over before it connects. A second one, for the reconnect that the client tries at once after a loss whatever its retry policy
/// says, is refused.
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

    /// <summary>Connects before the client does anything, on a thread that is not the pool's.</summary>
    /// <param name="connect">Where to.</param>
    /// <param name="beforeConnect">Called with the socket of each address that is tried.</param>
    public Task<SocketStream> ConnectAsync(BlockingConnect connect, Action<Socket> beforeConnect)
    {
        var connecting = Task.Factory.StartNew(Connect, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        connecting.Observe();
        return connecting;

        SocketStream Connect() => new(connect.ToFirst(address =>
        {
            var socket = NewSocket(address.AddressFamily);
            try
            {
                beforeConnect(socket);
                return socket;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }));
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

    private Socket NewSocket(AddressFamily family)
    {
        var socket = new Socket(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        lock (_gate)
        {
            if (!_closed)
            {
                SocketProfile.Apply(socket, unacknowledgedLimitMilliseconds);
                return _socket = socket;
            }
        }

        socket.Dispose();
        throw new ObjectDisposedException(nameof(ConnectionSocket));
    }

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
