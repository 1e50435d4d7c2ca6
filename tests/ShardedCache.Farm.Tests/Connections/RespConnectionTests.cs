using ShardedCache.Connections;
using ShardedCache.Connections.Resp;
using ShardedCache.Contract.Connections;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Connections;

public sealed class RespEntryCommandsTests(ServerFixture fixture) : EntryCommandsContract(fixture)
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);
}

public sealed class RespDeadlineTests(ServerFixture fixture) : DeadlineContract(fixture)
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);
}

public sealed class RespLifeTests(ServerFixture fixture) : LifeContract(fixture)
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);
}

public sealed class RespHandshakeTests(ServerFixture fixture) : HandshakeContract(fixture)
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);

    [Fact]
    public async Task A_subscriber_that_throws_costs_its_connection_and_not_the_process_over_tls_too()
    {
        await using var farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0, Tls = true }, Cancellation);
        var server = farm.Shards[0].InitialMaster;
        var settings = new ConnectionSettings { Tls = new TlsSettings(ServerCertificateValidation: static (_, _, _, _) => true) };
        await using var other = await OpenAsync(AddressOf(server), settings);
        await using var connection = await OpenAsync(AddressOf(server), settings);
        await connection.SubscribeAsync("channel", static (_, _) => throw new InvalidOperationException("The subscriber is broken."), Cancellation);

        await server.ExecuteAsync("PUBLISH", "channel", "message");

        var fault = await connection.Closed.WaitAsync(Patience, Cancellation);
        Assert.Equal(ConnectionFaultKind.Protocol, fault.Kind);
        Assert.Equal(Reply.Ok, await SetAsync(other, NewKey(), "1"));
    }
}

public sealed class RespHostTests(ServerFixture fixture) : HostContract(fixture)
{
    internal override IServerConnector CreateConnector(HostLookup lookup) => new RespConnector(TimeProvider.System, lookup);
}

public sealed class RespHalfOpenTests : HalfOpenContract
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);
}

public sealed class RespChaosTests(ServerFixture fixture) : ChaosContract(fixture)
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);
}
