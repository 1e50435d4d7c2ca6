using System.Runtime.CompilerServices;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Layers;

/// <summary>What an application expects of a layer whose second level is a sharded cache, shared by its instances.</summary>
public abstract class LayerContract(LayerFarm servers)
{
    private protected RedisFarm Farm => servers.Farm;

    private protected abstract Layer Create(RedisFarm farm);

    [Fact]
    public async Task Many_callers_of_one_key_make_it_once()
    {
        await using var layer = await JoinAsync(Farm);
        var made = 0;

        var values = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => layer.GetOrCreateAsync(Key(), [], async () =>
        {
            Interlocked.Increment(ref made);
            await Task.Delay(100, TestContext.Current.CancellationToken);
            return "value";
        })));

        Assert.Equal(1, made);
        Assert.All(values, static value => Assert.Equal("value", value));
        Assert.Empty(layer.SecondLevel.Failures);
    }

    [Fact]
    public async Task What_one_instance_has_set_another_finds_until_it_is_removed()
    {
        await using var first = await JoinAsync(Farm);
        await using var second = await JoinAsync(Farm);
        await using var third = await JoinAsync(Farm);

        await first.SetAsync(Key(), "value");
        Assert.Equal("value", await second.FindAsync(Key()));

        await second.RemoveAsync(Key());
        Assert.Equal("made", await third.FindAsync(Key()));
    }

    [Fact]
    public async Task A_removed_tag_invalidates_its_entries_alone_and_also_for_an_instance_that_comes_later()
    {
        await using var first = await JoinAsync(Farm);
        await using var second = await JoinAsync(Farm);
        await first.SetAsync(Key("both"), "value", Key("a"), Key("b"));
        await first.SetAsync(Key("other"), "value", Key("b"));
        Assert.Equal("value", await first.FindAsync(Key("both"), Key("a"), Key("b")));

        await first.RemoveByTagAsync(Key("a"));

        Assert.Equal("made", await second.FindAsync(Key("both"), Key("a"), Key("b")));
        Assert.Equal("value", await second.FindAsync(Key("other"), Key("b")));
        Assert.Equal("value", await first.FindAsync(Key("other"), Key("b")));
    }

    [Fact]
    public async Task While_every_master_dies_nothing_throws_and_no_value_and_no_invalidation_is_lost()
    {
        await using var farm = await RedisFarm.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        await using var first = await JoinAsync(farm);
        await using var second = await JoinAsync(farm);
        string[] numbers = [.. Enumerable.Range(0, 40).Select(static number => $"{number}")];
        foreach (var number in numbers)
        {
            await first.SetAsync("kept-" + number, number, "kept");
            await second.SetAsync("dropped-" + number, number, "dropped-" + (int.Parse(number) % 4));
        }

        var masters = farm.Shards.Select(static shard => shard.InitialMaster).ToArray();
        Array.ForEach(masters, static master => master.Kill());
        foreach (var number in numbers)
        {
            await second.SetAsync("late-" + number, number, "late");
            await first.RemoveByTagAsync("dropped-" + (int.Parse(number) % 4));
            Assert.Equal(number, await first.FindAsync("kept-" + number, "kept"));
            Assert.Equal("made", await first.FindAsync("dropped-" + number, "dropped-" + (int.Parse(number) % 4)));
        }

        var promotions = Task.WhenAll(farm.Shards.Select(shard => shard.WaitForNewMasterAsync(shard.InitialMaster)));
        for (var round = 0; !promotions.IsCompleted || round < 5; round++)
        {
            await Task.WhenAll(first.SetAsync("round", $"{round}"), second.SetAsync("round-of-another", $"{round}", "late"), second.FindAsync($"new-{round}", "late"));
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        await promotions;
        await UpAsync(first);
        await UpAsync(second);
        await using var later = await JoinAsync(farm);
        foreach (var number in numbers)
        {
            Assert.Equal(number, await later.FindAsync("kept-" + number, "kept"));
            Assert.Equal(number, await later.FindAsync("late-" + number, "late"));
            Assert.NotEqual(number, await later.FindAsync("dropped-" + number, "dropped-" + (int.Parse(number) % 4)));
        }

        Assert.All((Layer[])[first, second, later], static layer => Assert.Empty(layer.SecondLevel.Failures));
    }

    /// <summary>One more instance, which has reached its shards.</summary>
    private protected async Task<Layer> JoinAsync(RedisFarm farm)
    {
        var layer = Create(farm);
        await UpAsync(layer);
        return layer;
    }

    /// <summary>Of the test alone: all share a farm.</summary>
    private protected static string Key(string name = "", [CallerMemberName] string test = "") => $"{test}-{TestContext.Current.Test?.UniqueID}-{name}";

    private static async Task UpAsync(Layer layer)
    {
        var cache = (ShardedRedisCache)layer.Cache;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (cache.Status.Any(static shard => shard.State != ShardedCache.Shards.ShardState.Up))
        {
            await Task.Delay(20, deadline.Token);
        }
    }
}
