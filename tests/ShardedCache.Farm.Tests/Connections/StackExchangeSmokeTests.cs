using System.Buffers;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Connections.StackExchangeRedis;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Connections;

public sealed class StackExchangeSmokeTests
{
    [Fact]
    public async Task A_connection_opens_stores_reads_runs_executes_and_closes()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, TestContext.Current.CancellationToken);
        var master = farm.Shards[0].InitialMaster;
        await using var connector = new StackExchangeConnector(TimeProvider.System);
        var open = await connector.OpenAsync(new ServerAddress(master.Host, master.Port), new ConnectionSettings(), TestContext.Current.CancellationToken);
        Assert.True(open.IsOpen, open.Fault?.Message);
        var connection = open.Connection;
        var key = new StoredKey(Encoding.UTF8.GetBytes("app:"), "k");
        Assert.True(connection.ClientId > 0);

        foreach (var mode in new[] { CallMode.Asynchronous, CallMode.Blocking })
        {
            Assert.Equal(Reply.Ok, await connection.SetAsync(key, "head"u8, new ReadOnlySequence<byte>("body"u8.ToArray()), TimeSpan.FromMinutes(1), mode, TestContext.Current.CancellationToken));
            var destination = new ArrayBufferWriter<byte>();
            Assert.Equal(Reply.Ok, await connection.GetAsync(key, destination, mode, TestContext.Current.CancellationToken));
            Assert.Equal("headbody", Encoding.UTF8.GetString(destination.WrittenSpan));
            Assert.Equal("headbody", await master.ExecuteAsync("GET", "app:k"));
            await master.ExecuteAsync("SCRIPT", "FLUSH");
            var script = new StoredScript("add", "return redis.call('STRLEN', KEYS[1]) + ARGV[1]");
            Assert.Equal(new Reply(ReplyKind.Ok, 50), await connection.RunAsync(script, key, [Encoding.UTF8.GetBytes("42")], mode, TestContext.Current.CancellationToken));
        }

        Assert.Equal("PONG", (await connection.ExecuteAsync(new[] { "PING" }, TestContext.Current.CancellationToken)).Text);
        connection.Close(new ConnectionFault(ConnectionFaultKind.ClosedByUs, "done"));
        Assert.Equal(ConnectionFaultKind.ClosedByUs, (await connection.Closed).Kind);
        Assert.Equal(Reply.ConnectionLost, await connection.GetAsync(key, new ArrayBufferWriter<byte>(), CallMode.Blocking, TestContext.Current.CancellationToken));
        await connection.DisposeAsync();
    }
}
