using System.Net.Sockets;

namespace ShardedCache.Connections;

/// <summary>Asks the kernel when a socket last received data: what a reply that is still on its way cannot tell.</summary>
internal static class SocketProgress
{
    // Linux: struct tcp_info, tcpi_last_data_recv, in milliseconds; see tcp(7) and linux/tcp.h.
    private const int IpProtocolTcp = 6;
    private const int TcpInfo = 11;
    private const int LastDataReceivedOffset = 52;

    /// <summary>Milliseconds since data came in, 0 when some waits to be read, or null where the system does not say.</summary>
    public static long? MillisecondsSinceData(Socket socket)
    {
        try
        {
            if (socket.Available > 0)
            {
                return 0;
            }

            if (!OperatingSystem.IsLinux())
            {
                return null;
            }

            Span<byte> info = stackalloc byte[LastDataReceivedOffset + sizeof(uint)];
            return socket.GetRawSocketOption(IpProtocolTcp, TcpInfo, info) == info.Length
                ? BitConverter.ToUInt32(info[LastDataReceivedOffset..])
                : null;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }
}
