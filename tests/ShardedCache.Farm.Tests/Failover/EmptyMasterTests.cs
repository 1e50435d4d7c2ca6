using System.Globalization;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>A master that is killed and comes back without its data, before the Sentinels count it as down.</summary>
public sealed class EmptyMasterTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_gets_what_is_not_proven_to_be_replicated_and_nothing_else()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, DownAfter = Outage.NoPromotion }, Token);
        var (master, replica) = (farm.Shards[0].Servers[0], farm.Shards[0].Servers[1]);
        await using var host = await Outage.JoinAsync(farm);
        var group = host.Cache.CreateKeyGroup("group");
        await host.SetAsync("replicated", "value");
        await host.SetAsync("removed", "value");
        await group.SetAsync(("replicated", "value"));
        await Eventually.HoldsAsync(() => host.JournalBytes() == 0, "everything is proven to be replicated");
        await Outage.CutOffAsync(master, replica);
        await host.SetAsync("unproven", "value");
        await host.Cache.RemoveAsync("removed", Token);
        await group.SetAsync(("unproven", "value"), ("unproven, too", "value"));

        master.Kill();
        await host.IsDownAsync();
        await master.StartAsync(Token);

        string[] keys = ["replicated", "removed", "unproven", group.Key("replicated"), group.Key("unproven"), group.Key("unproven, too")];
        await host.IsUpAsync();
        await host.ReadsAsync(keys, [null, null, "value", null, "value", "value"], "the journal was replayed");
        await using var stranger = await Outage.JoinAsync(farm);
        Assert.Equal([null, null, "value", null, "value", "value"], await stranger.ReadAsync(keys));
    }

    [Fact]
    public async Task Without_any_replica_the_journal_is_bounded_and_the_newest_values_come_back()
    {
        const int limit = 64 * 1024;
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, DownAfter = Outage.NoPromotion }, Token);
        var master = farm.Shards[0].InitialMaster;
        await using var host = await Outage.JoinAsync(farm, configure: static options => options.JournalSizeLimit = limit);
        var keys = Enumerable.Range(0, 150).Select(static i => string.Create(CultureInfo.InvariantCulture, $"key-{i}")).ToArray();
        foreach (var key in keys)
        {
            await host.SetAsync(key, key.PadRight(1000, '.'));
            Assert.InRange(host.JournalBytes(), 1, limit);
        }

        // What the journal has given up is on the server all the same.
        Assert.Equal(keys.Select(static key => key.PadRight(1000, '.')), await host.ReadAsync(keys));
        await host.Cache.RemoveAsync(keys[0], Token);
        Assert.Null(await host.GetAsync(keys[0]));

        master.Kill();
        await host.IsDownAsync();
        await master.StartAsync(Token);
        await host.IsUpAsync();

        var values = await Outage.StoredAsync(farm, keys);
        Assert.All(keys.Zip(values), static pair => Assert.True(pair.Second is null || pair.Second == pair.First.PadRight(1000, '.')));
        Assert.InRange(values[^20..].Count(static value => value is not null), 15, 20);
        Assert.All(values[..50], Assert.Null);
    }
}
