using System.Net;
using System.Net.Sockets;

namespace ShardedCache.Connections;

/// <summary>
/// Connects a socket that is used synchronously. Once used asynchronously, or made not to block, .NET waits for it with its own event loop
/// ever after, and each read that has to wait takes two wake-ups in place of one.
/// </summary>
/// <param name="addresses">Of one host.</param>
/// <param name="port">The same for all.</param>
/// <param name="left">How much time all have together; the last one has what its caller allows.</param>
/// <param name="time">Whose time that is.</param>
internal sealed class BlockingConnect(IPAddress[] addresses, int port, TimeSpan left, TimeProvider time)
{
    // An address that is silent must leave something to those after it.
    private readonly TimeSpan _share = left > TimeSpan.Zero ? left / addresses.Length : TimeSpan.Zero;

    /// <summary>Connects to the first address that accepts; blocks.</summary>
    /// <param name="create">A new socket for an address. Throws <see cref="ObjectDisposedException"/> where none is wanted any more.</param>
    public Socket ToFirst(Func<IPAddress, Socket> create)
    {
        for (var i = 0; i < addresses.Length - 1; i++)
        {
            Socket? socket = null;
            try
            {
                socket = create(addresses[i]);
                ConnectInTime(socket, addresses[i]);
                return socket;
            }
            catch (Exception e) when (e is not ObjectDisposedException)
            {
                socket?.Dispose();
            }
        }

        var last = create(addresses[^1]);
        last.Connect(addresses[^1], port);
        return last;
    }

    private void ConnectInTime(Socket socket, IPAddress address)
    {
        var isDecided = false;
        using var timer = time.CreateTimer(
            _ =>
            {
                if (!Interlocked.Exchange(ref isDecided, true))
                {
                    socket.Close(0);
                }
            },
            null,
            _share,
            Timeout.InfiniteTimeSpan);
        try
        {
            socket.Connect(address, port);
        }
        catch (Exception) when (Volatile.Read(ref isDecided))
        {
            throw new SocketException((int)SocketError.TimedOut);
        }

        if (Interlocked.Exchange(ref isDecided, true))
        {
            throw new SocketException((int)SocketError.TimedOut);
        }
    }
}
