using ShardedCache.Connections;
using ShardedCache.Connections.StackExchangeRedis;
using ShardedCache.Contract.Connections;
using ShardedCache.Testing;
using StackExchange.Redis;

namespace ShardedCache.Farm.Tests.Connections;

public sealed class SuppliedMultiplexerEntryCommandsTests(ServerFixture fixture) : EntryCommandsContract(fixture)
{
    internal override IServerConnector CreateConnector() => new SuppliedMultiplexerConnector(
        TimeProvider.System, static async (address, _) => await ConnectionMultiplexer.ConnectAsync($"{address},allowAdmin=true"));
}

public sealed class SuppliedMultiplexerTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly ConnectionSettings Settings = new() { ConnectTimeout = TimeSpan.FromSeconds(20) };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ServerAddress Address => new(fixture.Server.Host, fixture.Server.Port);

    [Fact]
    public async Task A_supplied_multiplexer_survives_connections_and_connector()
    {
        await using var multiplexer = await ConnectionMultiplexer.ConnectAsync($"{Address}");
        var connector = new SuppliedMultiplexerConnector(TimeProvider.System, (_, _) => new ValueTask<IConnectionMultiplexer>(multiplexer));
        var first = await OpenAsync(connector);
        first.Close(new ConnectionFault(ConnectionFaultKind.ClosedByUs, "done"));
        await first.DisposeAsync();
        var second = await OpenAsync(connector);
        Assert.Equal(first.ClientId, second.ClientId);
        await second.DisposeAsync();
        await connector.DisposeAsync();

        Assert.True(multiplexer.IsConnected);
        Assert.True(await multiplexer.GetDatabase().StringSetAsync("still", "alive"));
    }

    [Fact]
    public async Task A_connection_ends_with_the_multiplexers_and_the_next_one_is_served_after_its_reconnect()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Cancellation);
        var server = farm.Shards[0].InitialMaster;
        await using var multiplexer = await ConnectionMultiplexer.ConnectAsync($"{server.EndPoint},abortConnect=false,connectRetry=100");
        await using var connector = new SuppliedMultiplexerConnector(TimeProvider.System, (_, _) => new ValueTask<IConnectionMultiplexer>(multiplexer));
        await using var connection = await OpenAsync(connector);

        await server.ExecuteAsync("CLIENT", "KILL", "ID", $"{connection.ClientId}");
        Assert.Equal(ConnectionFaultKind.ClosedByPeer, (await connection.Closed.WaitAsync(TimeSpan.FromSeconds(20), Cancellation)).Kind);
        await Eventually.HoldsAsync(async () => (await connector.OpenAsync(Address, Settings, Cancellation)).IsOpen, "the multiplexer has reconnected");
        Assert.False((await connector.OpenAsync(Address, Settings, Cancellation)).Connection!.ClientId == connection.ClientId);
    }

    [Fact]
    public async Task A_multiplexer_of_several_end_points_is_refused_and_a_failing_factory_is_a_fault()
    {
        await using var multiplexer = await ConnectionMultiplexer.ConnectAsync($"{Address},127.0.0.1:1,abortConnect=false,connectTimeout=300");
        await using var several = new SuppliedMultiplexerConnector(TimeProvider.System, (_, _) => new ValueTask<IConnectionMultiplexer>(multiplexer));
        Assert.True((await several.OpenAsync(Address, Settings, Cancellation)).Fault!.IsConfigurationError);

        await using var failing = new SuppliedMultiplexerConnector(TimeProvider.System, static (_, _) => throw new InvalidOperationException("secret-word"));
        var fault = (await failing.OpenAsync(Address, Settings, Cancellation)).Fault!;
        Assert.Equal(ConnectionFaultKind.Unreachable, fault.Kind);
        Assert.DoesNotContain("secret-word", fault.ToString());
    }

    private async Task<IServerConnection> OpenAsync(IServerConnector connector)
    {
        var opened = await connector.OpenAsync(Address, Settings, Cancellation);
        Assert.True(opened.IsOpen, opened.Fault?.ToString());
        return opened.Connection;
    }
}
