using System.Net;
using System.Net.Sockets;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

/// <summary>Real sockets, and no Redis behind them: it greets as a server does, and then sends what a test makes up.</summary>
internal sealed class FakeRespServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly List<Socket> _sockets = [];
    private readonly Func<Socket, CancellationToken, Task> _serve;

    /// <param name="serve">What it does with a connection after the greeting; then it leaves it open.</param>
    public FakeRespServer(Func<Socket, CancellationToken, Task> serve)
    {
        _serve = serve;
        _listener.Start();
        _ = AcceptAsync();
    }

    public ServerAddress Address => new("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);

    public int Accepted { get; private set; }

    /// <summary>Connects to it.</summary>
    public async Task<IServerConnection> OpenAsync(RespConnector connector, TimeSpan operationTimeout, CancellationToken cancellationToken)
    {
        var settings = new ConnectionSettings { OperationTimeout = operationTimeout, ConnectTimeout = TimeSpan.FromSeconds(20) };
        var opened = await connector.OpenAsync(Address, settings, cancellationToken);
        Assert.True(opened.IsOpen, opened.Fault?.ToString());
        return opened.Connection;
    }

    public static Task SendAsync(Socket client, string bytes) => client.SendAsync(Encoding.Latin1.GetBytes(bytes));

    /// <summary>Waits until the client has sent a command that ends so.</summary>
    public static async Task ReadUntilAsync(Socket client, string end, CancellationToken cancellationToken)
    {
        var received = new StringBuilder();
        var buffer = new byte[4096];
        while (!received.ToString().EndsWith(end, StringComparison.Ordinal))
        {
            var count = await client.ReceiveAsync(buffer, cancellationToken);
            if (count == 0)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }

            received.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        lock (_sockets)
        {
            _sockets.ForEach(static socket => socket.Dispose());
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_end.Token);
                lock (_sockets)
                {
                    _sockets.Add(client);
                }

                Accepted++;
                _ = GreetAsync(client);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private async Task GreetAsync(Socket client)
    {
        try
        {
            client.NoDelay = true;
            await ReadUntilAsync(client, "ShardedCache\r\n", _end.Token);
            await SendAsync(client, "%2\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:7\r\n");
            await ReadUntilAsync(client, "\r\nID\r\n", _end.Token);
            await SendAsync(client, ":7\r\n");
            await _serve(client, _end.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }
}
