using System.Net;
using System.Net.Sockets;

namespace ShardedCache.Connections;

/// <summary>
/// Connects a socket that is used synchronously: once used asynchronously, .NET waits for it with its own event loop, and each read
/// that has to wait takes two wake-ups in place of one.
/// </summary>
internal static class BlockingConnect
{
    /// <summary>Connects to the first address that accepts; blocks.</summary>
    /// <param name="addresses">Of one host.</param>
    /// <param name="port">The same for all.</param>
    /// <param name="share">How long one may take while others are left; the last has what its caller allows.</param>
    /// <param name="create">A new socket for an address.</param>
    public static Socket ToFirst(IPAddress[] addresses, int port, TimeSpan share, Func<IPAddress, Socket> create)
    {
        for (var i = 0; ; i++)
        {
            var socket = create(addresses[i]);
            try
            {
                if (i + 1 < addresses.Length)
                {
                    Connect(socket, addresses[i], port, share);
                }
                else
                {
                    socket.Connect(addresses[i], port);
                }

                return socket;
            }
            catch (SocketException) when (i + 1 < addresses.Length)
            {
                socket.Dispose();
            }
        }
    }

    private static void Connect(Socket socket, IPAddress address, int port, TimeSpan limit)
    {
        socket.Blocking = false;
        try
        {
            socket.Connect(address, port);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            var error = socket.Poll(limit, SelectMode.SelectWrite)
                ? (SocketError)(int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!
                : SocketError.TimedOut;
            if (error != SocketError.Success)
            {
                throw new SocketException((int)error);
            }
        }

        socket.Blocking = true;
    }
}
