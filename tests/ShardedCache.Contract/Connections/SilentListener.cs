using System.Net;
using System.Net.Sockets;

namespace ShardedCache.Contract.Connections;

/// <summary>As a host that is gone: with a full backlog, the kernel does not answer any more.</summary>
internal sealed class SilentListener : IDisposable
{
    private readonly List<Socket> _sockets = [];

    public SilentListener(IPAddress address, int port)
    {
        Address = address;
        var listener = NewSocket();
        listener.Bind(new IPEndPoint(address, port));
        listener.Listen(0);
        Socket filler;
        do
        {
            filler = NewSocket();
            filler.Blocking = false;
            Assert.Equal(SocketError.WouldBlock, Assert.Throws<SocketException>(() => filler.Connect(address, port)).SocketErrorCode);
        }
        while (filler.Poll(TimeSpan.FromMilliseconds(500), SelectMode.SelectWrite));
    }

    public IPAddress Address { get; }

    public void Dispose() => _sockets.ForEach(static socket => socket.Dispose());

    private Socket NewSocket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _sockets.Add(socket);
        return socket;
    }
}
