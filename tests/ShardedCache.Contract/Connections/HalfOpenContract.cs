using System.Diagnostics;
using ShardedCache.Connections;
using ShardedCache.Testing;

namespace ShardedCache.Contract.Connections;

/// <summary>A network that is cut without a word: both ends still hold the connection, and nothing passes.</summary>
public abstract class HalfOpenContract : ConnectionContract
{
    private static readonly ConnectionSettings Settings = new() { OperationTimeout = TimeSpan.FromMilliseconds(500), ClientName = "half-open" };

    private NetworkNamespace? _network;
    private RedisFarm? _farm;

    private RedisProcess Server => _farm!.Shards[0].InitialMaster;

    public override async ValueTask InitializeAsync()
    {
        _network = NetworkNamespace.TryCreate(out var whyNot);
        Assert.SkipWhen(_network is null, $"This machine does not allow network namespaces, without which a connection cannot be half open ({whyNot}).");
        _farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0, NetworkNamespace = _network.Name, BindAddress = _network.Address }, Cancellation);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_farm is not null)
        {
            await _farm.DisposeAsync();
        }

        _network?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_half_open_connection_is_found_within_the_operation_time_out()
    {
        await using var connection = await OpenAsync(AddressOf(Server), Settings);
        await SetAsync(connection, NewKey(), "1");
        _network!.Cut();

        var waited = Stopwatch.StartNew();
        Assert.Equal(ReplyKind.TimedOut, (await SetAsync(connection, NewKey(), "1")).Kind);
        Assert.Equal(ConnectionFaultKind.Silent, (await connection.Closed.WaitAsync(TimeSpan.FromSeconds(20), Cancellation)).Kind);
        Assert.InRange(waited.Elapsed, Settings.OperationTimeout, 3 * Settings.OperationTimeout);

        var fault = await FailsAsync(AddressOf(Server), new ConnectionSettings { ConnectTimeout = TimeSpan.FromMilliseconds(500) });
        Assert.Equal(ConnectionFaultKind.Unreachable, fault.Kind);
    }

    [Fact]
    public async Task A_write_that_did_not_pass_before_its_connection_ended_is_never_sent_again()
    {
        var key = NewKey();
        var old = await OpenAsync(AddressOf(Server), Settings);
        await SetAsync(old, key, "first");
        _network!.Cut();
        Assert.Equal(ReplyKind.TimedOut, (await SetAsync(old, key, "late")).Kind);
        await old.Closed.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        await old.DisposeAsync();

        // Until then the kernel may keep the last packet, the reset, while it looks for its neighbour.
        await Task.Delay(TimeSpan.FromSeconds(4), Cancellation);
        _network.Mend();
        await using var replacement = await OpenAsync(AddressOf(Server), Settings with { ConnectTimeout = TimeSpan.FromSeconds(20), ClientName = "replacement" });
        // Longer than the kernel would wait before it sent again what was cut off 5 s ago.
        await Task.Delay(TimeSpan.FromSeconds(4), Cancellation);
        Assert.Equal("first", await ReadAsync(replacement, key));
    }
}
