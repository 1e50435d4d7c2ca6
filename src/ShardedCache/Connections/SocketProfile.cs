using System.Net.Sockets;

namespace ShardedCache.Connections;

/// <summary>What every socket of a connection is set to, whatever the transport.</summary>
internal static class SocketProfile
{
    // Linux: see tcp(7).
    private const int IpProtocolTcp = 6;
    private const int TcpUserTimeout = 18;

    /// <summary>Closing is abortive, and on Linux the kernel gives up when data stays unacknowledged for so long.</summary>
    public static void Apply(Socket socket, int unacknowledgedLimitMilliseconds)
    {
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        if (OperatingSystem.IsLinux())
        {
            Span<byte> value = stackalloc byte[sizeof(int)];
            BitConverter.TryWriteBytes(value, unacknowledgedLimitMilliseconds);
            socket.SetRawSocketOption(IpProtocolTcp, TcpUserTimeout, value);
        }
    }
}
