using ShardedCache.Contract;
using ShardedCache.Farm.Tests.Cache;
using ShardedCache.Farm.Tests.Sentinels;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>
/// Group operations over the death of a master whose replica never got them, with an instance name and no more rights than the
/// documentation asks for.
/// </summary>
public sealed class ReplicaLackTests : IAsyncLifetime
{
    private RedisFarm _farm = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RedisFarmShard Shard => _farm.Shards[0];

    public async ValueTask InitializeAsync()
    {
        var options = LeastPrivilege.Options();
        options.Shards = 1;
        _farm = await RedisFarm.StartAsync(options, Token);
    }

    public ValueTask DisposeAsync() => _farm.DisposeAsync();

    [Fact]
    public async Task Group_operations_that_the_promoted_replica_lacked_are_there_after_the_failover_each_as_a_whole()
    {
        var (master, replica) = (Shard.Servers[0], Shard.Servers[1]);
        await using var host = await JoinAsync();
        var (written, removed, emptied) = (host.Cache.CreateKeyGroup("written"), host.Cache.CreateKeyGroup("removed"), host.Cache.CreateKeyGroup("emptied"));
        foreach (var group in (IKeyGroup[])[written, removed, emptied])
        {
            await group.SetAsync(("a", "old"), ("b", "old"));
        }

        await Shard.WaitForReplicasAsync(cancellationToken: Token);
        await Outage.CutOffAsync(master, replica);
        await written.SetAsync(("a", "new"), ("c", "new"));
        await removed.RemoveAsync([removed.Key("a")], Token);
        await emptied.RemoveAllAsync(Token);
        master.Kill();
        replica.Resume();

        string[] keys = [.. ((IKeyGroup[])[written, removed, emptied]).SelectMany(static group => (string[])[group.Key("a"), group.Key("b"), group.Key("c")])];
        string?[] expected = ["new", "old", "new", null, "old", null, null, null, null];
        Assert.Equal("0", await replica.ExecuteAsync("EXISTS", AclRules.InstanceName + written.Key("c")));
        Assert.Equal(expected, await host.ReadAsync(keys));
        await Shard.WaitForNewMasterAsync(master, cancellationToken: Token);
        await host.IsUpAsync();

        await using var stranger = await JoinAsync();
        await stranger.ReadsAsync(keys, expected, "the server has what was written");
        await host.ReadsAsync(keys, expected, "the writer reads what was written");

        // The index of the members was brought as well.
        await stranger.Cache.CreateKeyGroup(written.Name).RemoveAllAsync(Token);
        await stranger.ReadsAsync(keys, [null, null, null, null, "old", null, null, null, null], "the group is removed");
        foreach (var process in Shard.Servers.Concat(_farm.Sentinels).Where(static process => process.IsRunning))
        {
            Assert.Empty(await LeastPrivilege.DeniedAsync(process));
        }
    }

    [Fact]
    public async Task A_group_removed_during_an_outage_has_no_member_any_more_whoever_had_set_it()
    {
        foreach (var sentinel in _farm.Sentinels)
        {
            // So that the outage lasts.
            await sentinel.ExecuteAsync("SENTINEL", "SET", Shard.Name, "down-after-milliseconds", "60000");
        }

        await using var other = await JoinAsync();
        await using var host = await JoinAsync();
        var (group, theirs) = (host.Cache.CreateKeyGroup("group"), other.Cache.CreateKeyGroup("group"));
        await theirs.SetAsync(("theirs", "old"), ("read", "old"), ("never read", "old"));
        await group.SetAsync(("ours", "old"));
        Assert.Equal(["old"], await host.ReadAsync(group.Key("read")));
        await Shard.WaitForReplicasAsync(cancellationToken: Token);
        Shard.InitialMaster.Kill();

        // While its shard is down, reads come from the replica.
        string[] keys = [group.Key("theirs"), group.Key("read"), group.Key("ours"), group.Key("never read")];
        await host.ReadsAsync(keys[..3], ["old", "old", "old"], "the replica is read");

        await group.RemoveAllAsync(Token);

        Assert.Equal([null, null, null, null], await host.ReadAsync(keys));
        await group.SetAsync(("ours", "new"));
        Assert.Equal([null, null, "new", null], await host.ReadAsync(keys));
    }

    private Task<CacheHost> JoinAsync() => Outage.JoinAsync(_farm, configure: static options => options.InstanceName = AclRules.InstanceName);
}
