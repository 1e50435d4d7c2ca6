using System.Buffers;
using System.Diagnostics;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Testing;

namespace ShardedCache.Contract.Connections;

/// <summary>What the suites for <see cref="IServerConnection"/> share. A derived class names the transport.</summary>
public abstract class ConnectionContract : IAsyncLifetime
{
    internal static readonly ConnectionFault Done = new(ConnectionFaultKind.ClosedByUs, "The test is done with it.");

    /// <summary>The connect time-out where a connect must succeed, or fail for another reason, on a machine however busy.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static int _keys;

    private IServerConnector? _connector;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    internal IServerConnector Connector => _connector ??= CreateConnector();

    internal abstract IServerConnector CreateConnector();

    public virtual ValueTask InitializeAsync() => default;

    public virtual async ValueTask DisposeAsync()
    {
        if (_connector is not null)
        {
            await _connector.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    internal static ServerAddress AddressOf(RedisProcess server) => new(server.Host, server.Port);

    internal static StoredKey NewKey() => new("test:"u8.ToArray(), $"{Interlocked.Increment(ref _keys)}");

    internal static string Whole(StoredKey key) => Encoding.UTF8.GetString(key.Prefix) + key.Name;

    internal static ReadOnlySequence<byte> Payload(string text) => new(Encoding.UTF8.GetBytes(text));

    internal static ValueTask<Reply> SetAsync(
        IEntryCommands commands, StoredKey key, string value, CallMode mode = CallMode.Asynchronous, CancellationToken? cancellation = null) =>
        commands.SetAsync(key, [], Payload(value), TimeSpan.FromMinutes(5), mode, cancellation ?? Cancellation);

    internal static async Task<string?> ReadAsync(IEntryCommands commands, StoredKey key, CallMode mode = CallMode.Asynchronous)
    {
        var destination = new ArrayBufferWriter<byte>();
        var reply = await commands.GetAsync(key, destination, mode, Cancellation);
        Assert.True(reply.Kind is ReplyKind.Ok or ReplyKind.Nil, reply.ToString());
        return reply.Kind == ReplyKind.Nil ? null : Encoding.UTF8.GetString(destination.WrittenSpan);
    }

    internal async Task<IServerConnection> OpenAsync(ServerAddress address, ConnectionSettings? settings = null)
    {
        settings ??= new ConnectionSettings { OperationTimeout = TimeSpan.FromSeconds(5) };
        var opened = await Connector.OpenAsync(address, settings with { ConnectTimeout = Patience }, Cancellation);
        Assert.True(opened.IsOpen, opened.Fault?.ToString());
        return opened.Connection;
    }

    internal Task<IServerConnection> OpenAsync(RedisProcess server, TimeSpan? operationTimeout = null) =>
        OpenAsync(AddressOf(server), new ConnectionSettings { OperationTimeout = operationTimeout ?? TimeSpan.FromSeconds(5) });

    internal async Task<ConnectionFault> FailsAsync(ServerAddress address, ConnectionSettings settings)
    {
        var opened = await Connector.OpenAsync(address, settings, Cancellation);
        Assert.False(opened.IsOpen);
        return opened.Fault;
    }

    /// <summary>Waits for a condition, with a deadline that only something broken meets.</summary>
    protected static async Task HoldsAsync(Func<Task<bool>> condition, string what)
    {
        var waited = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(20), $"Not within {waited.Elapsed.TotalSeconds:0} s: {what}");
            await Task.Delay(10, Cancellation);
        }
    }

    protected static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(() => Task.FromResult(condition()), what);

    /// <summary>How many connections of that name the server has.</summary>
    protected static async Task<int> CountClientsAsync(RedisProcess server, string name) =>
        (await server.ExecuteAsync("CLIENT", "LIST")).Split('\n').Count(line => line.Contains($" name={name} ", StringComparison.Ordinal));
}
