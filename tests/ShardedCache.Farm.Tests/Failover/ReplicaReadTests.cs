using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>Reads while a master is dead and no replica is promoted yet.</summary>
public sealed class ReplicaReadTests : IAsyncLifetime
{
    private RedisFarm _farm = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RedisFarmShard Shard => _farm.Shards[0];

    public async ValueTask InitializeAsync() =>
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, DownAfter = Outage.NoPromotion }, Token);

    public ValueTask DisposeAsync() => _farm.DisposeAsync();

    [Fact]
    public async Task A_key_that_this_process_never_touched_is_read_from_the_replica_and_with_a_MaxStaleness_of_0_never()
    {
        await using var writer = await Outage.JoinAsync(_farm);
        await writer.SetAsync("key", "value");
        await writer.SetAsync("removed", "value");
        await writer.Cache.RemoveAsync("removed", Token);
        await Shard.WaitForReplicasAsync(cancellationToken: Token);
        await using var reader = await Outage.JoinAsync(_farm);
        await using var strict = await Outage.JoinAsync(_farm, configure: static options => options.MaxStaleness = TimeSpan.Zero);
        string[] keys = ["key", "removed", "missing"];
        await strict.SetAsync("its own", "value");

        Shard.InitialMaster.Kill();

        await reader.ReadsAsync(keys, ["value", null, null], "the replica is read");
        for (var until = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(until) < TimeSpan.FromSeconds(1);)
        {
            // It, too, had time to find the replica.
            Assert.Equal([null, null, null], await strict.ReadAsync(keys));
            await Task.Delay(20, Token);
        }

        await strict.SetAsync("its own", "newer");
        Assert.Equal(["newer"], await strict.ReadAsync("its own"));
    }

    [Fact]
    public async Task What_this_process_wrote_and_removed_hides_what_the_replica_has()
    {
        await using var other = await Outage.JoinAsync(_farm);
        await other.SetAsync("written", "old");
        await other.SetAsync("removed", "old");
        await other.SetAsync("left alone", "old");
        await Shard.WaitForReplicasAsync(cancellationToken: Token);
        await using var host = await Outage.JoinAsync(_farm);
        await Outage.CutOffAsync(Shard.Servers[0], Shard.Servers[1]);
        await host.SetAsync("written", "new");
        await host.Cache.RemoveAsync("removed", Token);
        Shard.InitialMaster.Kill();
        Shard.Servers[1].Resume();

        string[] keys = ["left alone", "written", "removed"];
        await host.ReadsAsync(keys, ["old", "new", null], "the replica is read");
        await host.ReadsAsync(keys, ["old", "new", null], "the replica is read");
    }
}
