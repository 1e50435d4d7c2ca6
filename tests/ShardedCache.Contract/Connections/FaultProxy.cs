using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ShardedCache.Connections;
using ShardedCache.Testing;

namespace ShardedCache.Contract.Connections;

/// <summary>A network between client and server whose faults a test turns on and off. Bytes are real, and the server is.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly RedisProcess _server;
    private volatile TaskCompletionSource? _hold;
    private int _held;

    public FaultProxy(RedisProcess server)
    {
        _server = server;
        _listener.Start();
        _ = AcceptAsync();
    }

    public ServerAddress Address => new("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);

    /// <summary>Bytes per second that pass from the server to a client; 0 for all at once.</summary>
    public int Rate { get; set; }

    /// <summary>What is sent to each client in place of the server's next bytes.</summary>
    public byte[]? Garbage { get; set; }

    /// <summary>Bytes from clients that the network still holds.</summary>
    public int Held => Volatile.Read(ref _held);

    /// <summary>The network keeps what clients send, and delivers it on <see cref="Deliver"/>, also when the client is gone by then.</summary>
    public void Hold() => _hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Deliver()
    {
        var hold = _hold;
        _hold = null;
        hold?.SetResult();
    }

    public ValueTask DisposeAsync()
    {
        _end.Cancel();
        _listener.Dispose();
        Deliver();
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        return default;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_end.Token);
                var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                client.NoDelay = true;
                _sockets.Add(client);
                _sockets.Add(server);
                await server.ConnectAsync(_server.EndPoint, _end.Token);
                _ = PumpAsync(client, server, PassToServerAsync);
                _ = PumpAsync(server, client, PassToClientAsync);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private static async Task PumpAsync(Socket from, Socket to, Func<Socket, ReadOnlyMemory<byte>, Task> pass)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(buffer)) > 0)
            {
                await pass(to, buffer.AsMemory(0, count));
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }

        to.Dispose();
    }

    private async Task PassToServerAsync(Socket server, ReadOnlyMemory<byte> bytes)
    {
        if (_hold is { } hold)
        {
            Interlocked.Add(ref _held, bytes.Length);
            await hold.Task;
            Interlocked.Add(ref _held, -bytes.Length);
        }

        await server.SendAsync(bytes);
    }

    private async Task PassToClientAsync(Socket client, ReadOnlyMemory<byte> bytes)
    {
        if (Garbage is { } garbage)
        {
            await client.SendAsync(garbage);
            return;
        }

        while (!bytes.IsEmpty)
        {
            var rate = Rate;
            var count = rate == 0 ? bytes.Length : Math.Min(bytes.Length, Math.Max(1, rate / 20));
            await client.SendAsync(bytes[..count]);
            bytes = bytes[count..];
            if (rate != 0)
            {
                await Task.Delay(50, _end.Token);
            }
        }
    }
}
