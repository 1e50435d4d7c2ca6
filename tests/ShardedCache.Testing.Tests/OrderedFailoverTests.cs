namespace ShardedCache.Testing.Tests;

public class OrderedFailoverTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_killed_master_is_replaced_and_returns_as_a_replica_at_its_old_address()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1 }, Cancellation);
        var shard = farm.Shards[0];
        var old = shard.InitialMaster;
        var (port, id) = (old.Port, old.ProcessId);
        await old.ExecuteAsync("SET", "key", "value");

        // Not WAIT: it waits for what its own connection wrote, and the farm opens one for each command.
        await shard.WaitForReplicasAsync(cancellationToken: Cancellation);

        old.Kill();
        Assert.False(old.IsRunning || Wait.IsAlive(id));
        var master = await shard.WaitForNewMasterAsync(old, cancellationToken: Cancellation);
        Assert.Equal("value", await master.ExecuteAsync("GET", "key"));

        // As operators restart an old master: one that starts as a master can be promoted again by Sentinels that have just lost sight of the new one.
        await File.AppendAllLinesAsync(Path.Combine(old.Directory, "redis.conf"), [$"replicaof {master.Host} {master.Port}"], Cancellation);
        await old.StartAsync(Cancellation);
        await shard.WaitForReplicasAsync(cancellationToken: Cancellation);
        Assert.Equal(port, old.Port);
        Assert.NotEqual(id, old.ProcessId);
        Assert.StartsWith("slave", await old.ExecuteAsync("ROLE"), StringComparison.Ordinal);
        Assert.Equal("value", await old.ExecuteAsync("GET", "key"));
    }
}
