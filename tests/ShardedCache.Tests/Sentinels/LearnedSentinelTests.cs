namespace ShardedCache.Tests.Sentinels;

/// <summary>Sentinels that others name.</summary>
public sealed class LearnedSentinelTests : SentinelQuestions
{
    [Fact]
    public async Task A_Sentinel_that_dies_and_returns_elsewhere_is_found_and_its_vote_is_one()
    {
        await World.StartAsync();
        Sentinels[1].Behaviour = Sentinels[2].Behaviour = FakeBehaviour.IsDown;
        var moved1 = Move(Sentinels[1], "10.0.0.12");
        var moved2 = Move(Sentinels[2], "10.0.0.13");

        await World.PollAsync(11);
        await SentinelWorld.Until(() => moved1.Asked > 0 && moved2.Asked > 0);
        Assert.Equal(2, World.Messages(213).Count());

        // Two of three are a majority; of five they would be none.
        World.Say(B, 0, "master", moved1, moved2);
        await World.PollAsync(12);
        await SentinelWorld.Until(() => Shard0.Master == B);
    }

    [Fact]
    public async Task A_learned_Sentinel_that_is_dead_is_forgotten_when_nobody_names_it_any_more()
    {
        var fourth = World.Add("10.0.0.4", "id-4");
        World.Say(A, 7, "master", fourth);
        Sentinels[0].Others[fourth] = "sentinel";
        await World.StartAsync();
        await SentinelWorld.Until(() => fourth.Asked > 0);

        fourth.Behaviour = FakeBehaviour.IsDown;
        Sentinels[0].Others[fourth] = "sentinel,s_down";
        await World.PollAsync(12);
        Assert.Empty(World.Messages(214));

        Sentinels[0].Others.TryRemove(fourth, out _);
        await World.PollAsync(12);
        await SentinelWorld.Until(() => World.Messages(214).Count() == 1);
    }

    [Fact]
    public async Task A_Sentinel_that_is_known_by_name_is_not_learned_by_its_address_too()
    {
        await World.Masters.DisposeAsync();
        World.AddAlias("sentinel-one", Sentinels[0]);
        World.Ask([new("sentinel-one", 26379)], "shard-0", "shard-1");
        await World.StartAsync();

        await World.PollAsync(12);

        Assert.Equal(1, Sentinels[0].OpenConnections);
    }

    [Fact]
    public async Task A_Sentinel_that_is_reached_by_three_names_has_one_vote()
    {
        await World.Masters.DisposeAsync();
        World.AddAlias("one", Sentinels[0]);
        World.AddAlias("eins", Sentinels[0]);
        World.Ask([new("one", 26379), new("eins", 26379), .. Sentinels.Select(static sentinel => sentinel.Address)], "shard-0", "shard-1");
        await World.StartAsync();

        World.Say(B, 0, "master", Sentinels[0]);
        await World.PollAsync(15);

        Assert.Equal(A, Shard0.Master);
    }

    /// <summary>The same Sentinel, by its id, at another address.</summary>
    private FakeSentinel Move(FakeSentinel sentinel, string host)
    {
        var moved = World.Add(host, sentinel.Id);
        World.Say(A, 7, "master", moved);
        Sentinels[0].Others.TryRemove(sentinel, out _);
        Sentinels[0].Others[moved] = "sentinel";
        return moved;
    }
}
