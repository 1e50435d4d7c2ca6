using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ShardedCache.Testing.Processes;

/// <summary>
/// Ports that are free now and that the system does not hand out by itself. A dead server's port from the ephemeral range could be taken
/// by any client's outgoing connection, and a client that keeps reconnecting to such a port can connect to itself.
/// </summary>
internal static class Ports
{
    private const int First = 10_000;
    private const int Last = 32_000;
    private static readonly ConcurrentDictionary<int, bool> Taken = new();

    public static int Next(string host)
    {
        for (var attempt = 0; attempt < 10_000; attempt++)
        {
            var port = Random.Shared.Next(First, Last);
            if (IsFree(host, port) && Taken.TryAdd(port, true))
            {
                return port;
            }
        }

        throw new RedisFarmException($"No free port between {First} and {Last} on {host}.");
    }

    public static void Release(int port) => Taken.TryRemove(port, out _);

    public static bool IsFree(string host, int port)
    {
        var address = IPAddress.Parse(host);
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // As Redis does: connections in TIME_WAIT do not occupy the port.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(1);
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            // An address inside another network namespace: only the server itself can tell.
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
