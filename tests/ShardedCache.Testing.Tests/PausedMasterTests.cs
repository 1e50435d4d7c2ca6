namespace ShardedCache.Testing.Tests;

public class PausedMasterTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_failover_can_be_ordered_there_and_back()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1 }, Cancellation);
        var shard = farm.Shards[0];

        var second = await shard.FailOverAsync(Cancellation);
        Assert.Same(shard.Servers[1], second);
        await shard.WaitForReplicasAsync(cancellationToken: Cancellation);

        Assert.Same(shard.InitialMaster, await shard.FailOverAsync(Cancellation));
        await shard.WaitForMasterAsync(shard.InitialMaster, cancellationToken: Cancellation);
    }

    [Fact]
    public async Task A_paused_master_keeps_its_connections_and_a_resumed_one_answers_again()
    {
        await using var farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Cancellation);
        var master = farm.Shards[0].InitialMaster;
        await master.ExecuteAsync("SET", "key", "value");

        master.Pause();
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => master.ExecuteAsync(["PING"], patience.Token));
        Assert.True(master.IsRunning);

        master.Resume();
        Assert.Equal("value", await master.ExecuteAsync("GET", "key"));
    }

    [Fact]
    public async Task A_paused_master_is_replaced_and_demoted_when_it_returns()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1 }, Cancellation);
        var shard = farm.Shards[0];

        shard.InitialMaster.Pause();
        await shard.WaitForNewMasterAsync(shard.InitialMaster, cancellationToken: Cancellation);
        shard.InitialMaster.Resume();

        await shard.WaitForReplicasAsync(cancellationToken: Cancellation);
        Assert.StartsWith("slave", await shard.InitialMaster.ExecuteAsync("ROLE"), StringComparison.Ordinal);
    }
}
