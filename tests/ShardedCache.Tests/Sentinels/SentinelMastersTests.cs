using ShardedCache.Connections;
using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

public sealed class SentinelMastersTests : SentinelQuestions
{
    [Fact]
    public async Task The_masters_of_all_shards_are_found()
    {
        await World.StartAsync();

        Assert.Equal((A, 7L), (Shard0.Master!, Shard0.ConfigEpoch));
        Assert.Equal(new ServerAddress("10.1.1.1", 6379), World.Masters.Current("shard-1").Master);
        Assert.Equal(TimeSpan.FromSeconds(5), Shard0.DownAfter);
        Assert.Equal([new ServerAddress("10.1.0.9", 6379)], Shard0.Replicas);
        Assert.Null(Shard0.Fault);
    }

    [Theory]
    [InlineData(FakeBehaviour.IsDown)]
    [InlineData(FakeBehaviour.IsStopped)]
    [InlineData(FakeBehaviour.Refuses)]
    public async Task One_answer_is_enough_and_waits_for_no_other_Sentinel(object othersBehaviour)
    {
        Sentinels[0].Behaviour = Sentinels[2].Behaviour = (FakeBehaviour)othersBehaviour;

        World.Masters.Start();

        await SentinelWorld.Until(() => Shard0.Master == A && Shard0.Fault is null);
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    public async Task A_replica_that_is_not_reached_could_be_promoted_where_a_majority_of_the_Sentinels_does_not_say_so(int answering, int promotable)
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.Masters["shard-0"] = new FakeMaster(A, 7, DownReplica: "10.1.0.8");
            sentinel.Behaviour = Sentinels.Index().First(other => other.Item == sentinel).Index < answering ? FakeBehaviour.Answers : FakeBehaviour.IsDown;
        }

        World.Masters.Start();

        await SentinelWorld.Until(() => Shard0.Promotable == promotable);
        Assert.Equal([new ServerAddress("10.1.0.9", 6379)], Shard0.Replicas);

        foreach (var sentinel in Sentinels)
        {
            sentinel.Behaviour = FakeBehaviour.IsDown;
        }

        await World.PollAsync();
        await SentinelWorld.Until(() => Shard0.Promotable == 2);
    }

    [Fact]
    public async Task A_replica_that_comes_back_is_known_to_be_promotable_by_the_next_poll()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.Masters["shard-0"] = new FakeMaster(A, 7, DownReplica: "10.1.0.8");
        }

        World.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Promotable == 1);
        foreach (var sentinel in Sentinels)
        {
            sentinel.Masters["shard-0"] = new FakeMaster(A, 7, Replica: "10.1.0.8");
        }

        await World.PollAsync();
        await World.PollAsync();

        await SentinelWorld.Until(() => Shard0.Replicas.SequenceEqual([new ServerAddress("10.1.0.8", 6379)]));
    }

    [Fact]
    public async Task A_switch_message_is_followed_without_waiting_for_the_next_poll()
    {
        await World.StartAsync();
        var change = World.Masters.WaitForChangeAsync("shard-0", Shard0.Version, TestContext.Current.CancellationToken);

        World.Say(B, 8);
        Sentinels[1].Publish("+switch-master", "shard-0 10.1.0.1 6379 10.1.0.2 6379");

        Assert.Equal(B, (await change).Master);
    }

    [Fact]
    public async Task A_message_about_another_farm_s_master_asks_nobody()
    {
        await World.StartAsync();
        World.Say(B, 8);

        Sentinels[1].Publish("+switch-master", "other 10.1.0.1 6379 10.1.0.2 6379");
        Sentinels[1].Publish("+sdown", "nonsense");
        Sentinels[1].Publish("+switch-master", "shard-1 10.1.0.1 6379 10.1.0.2 6379");
        await SentinelWorld.Until(() => Shard0.Master == B);

        Assert.All(Sentinels, static sentinel => Assert.InRange(sentinel.Asked, 2, 4));
    }

    [Fact]
    public async Task A_missed_switch_message_is_made_up_for_by_the_next_poll()
    {
        await World.StartAsync();

        World.Say(B, 8);
        await World.PollAsync();

        await SentinelWorld.Until(() => Shard0.Master == B);
    }

    [Fact]
    public async Task A_late_switch_message_changes_nothing()
    {
        await World.StartAsync();
        World.Say(B, 8);
        await World.PollAsync();
        await SentinelWorld.Until(() => Shard0.Master == B);
        var version = Shard0.Version;

        Sentinels[0].Publish("+switch-master", "shard-0 10.1.0.1 6379 10.1.0.2 6379");
        await World.PollAsync(2);

        Assert.Equal(version, Shard0.Version);
    }

    [Fact]
    public async Task While_a_failover_ends_the_promoted_address_counts_and_the_old_master_s_flags_do_not()
    {
        await World.StartAsync();

        foreach (var sentinel in Sentinels)
        {
            sentinel.Masters["shard-0"] = new FakeMaster(B, 8, "master,s_down,o_down,failover_in_progress", Listed: A);
        }

        await World.PollAsync();

        await SentinelWorld.Until(() => Shard0.Master == B);
        Assert.False(Shard0.IsSubjectivelyDown);
    }

    [Fact]
    public async Task A_switch_in_the_middle_of_a_question_does_not_give_the_old_master_the_new_epoch()
    {
        await World.StartAsync();
        World.Masters.ReportRole("shard-0", A, ServerRole.Master);
        Sentinels[1].Behaviour = Sentinels[2].Behaviour = FakeBehaviour.IsDown;

        Sentinels[0].BetweenTwoCommands = () => World.Say(B, 8);
        await World.PollAsync(2);

        await SentinelWorld.Until(() => Shard0.Master == B);
    }

    [Fact]
    public async Task A_replayed_old_switch_changes_nothing()
    {
        await World.StartAsync();

        Sentinels[0].Publish("+switch-master", "shard-0 10.1.0.1 6379 10.1.0.2 6379");
        await World.PollAsync(2);

        Assert.Equal((A, 1L), (Shard0.Master!, Shard0.Version));
    }

    [Fact]
    public async Task A_broken_connection_to_the_master_asks_again_at_once()
    {
        await World.StartAsync();

        World.Say(B, 8);
        World.Masters.RequestRefresh("shard-0");

        await SentinelWorld.Until(() => Shard0.Master == B);
    }

    [Fact]
    public async Task Many_broken_connections_ask_once_and_then_more_frequent_polls_do()
    {
        await World.StartAsync();
        var before = Sentinels[0].Asked;

        for (var i = 0; i < 10_000; i++)
        {
            World.Masters.RequestRefresh("shard-0");
        }

        // Two shards are asked for each time.
        await SentinelWorld.Until(() => Sentinels.All(sentinel => sentinel.Asked == before + 2));
        await World.QuietAsync();
        World.Time.Advance(SentinelTimings.Default.PollInTrouble - TimeSpan.FromMilliseconds(1));
        Assert.Equal(before + 2, Sentinels[0].Asked);
        World.Time.Advance(TimeSpan.FromMilliseconds(1));
        await SentinelWorld.Until(() => Sentinels[0].Asked == before + 4);
    }

    [Fact]
    public async Task Nothing_is_asked_between_two_polls()
    {
        await World.StartAsync();
        await SentinelWorld.Until(() => Sentinels.All(static sentinel => sentinel.Asked == 2));

        World.Time.Advance(SentinelTimings.Default.Poll - TimeSpan.FromMilliseconds(1));

        Assert.All(Sentinels, static sentinel => Assert.Equal(2, sentinel.Asked));
        Assert.All(Sentinels, static sentinel => Assert.Equal(1, sentinel.OpenConnections));
    }

    [Fact]
    public async Task A_returning_old_master_changes_nothing_whatever_role_it_claims()
    {
        await World.StartAsync();
        World.Say(B, 8);
        await World.PollAsync();
        await SentinelWorld.Until(() => Shard0.Master == B);

        World.Masters.ReportRole("shard-0", A, ServerRole.Master);
        World.Say(A, 7, "master", Sentinels[2]);
        await World.PollAsync(30);

        Assert.Equal(B, Shard0.Master);
    }

    [Fact]
    public async Task A_minority_Sentinel_with_an_old_answer_changes_nothing_also_when_the_others_are_gone()
    {
        World.Say(B, 8, "master", Sentinels[0], Sentinels[1]);
        World.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Master == B);

        Sentinels[0].Behaviour = Sentinels[1].Behaviour = FakeBehaviour.IsDown;
        await World.PollAsync(30);

        Assert.Equal(B, Shard0.Master);
    }

    [Fact]
    public async Task Epochs_that_an_operator_has_reset_are_accepted_when_a_majority_has_agreed_on_them_for_10_seconds()
    {
        await World.StartAsync();

        World.Say(B, 0, "master", Sentinels[0], Sentinels[1]);
        await World.PollAsync(2);
        Assert.Equal(A, Shard0.Master);

        await World.PollAsync(10);
        await SentinelWorld.Until(() => Shard0.Master == B);
        Assert.Equal(0, Shard0.ConfigEpoch);
        await SentinelWorld.Until(() => World.Messages(201).Count() == 1);
    }

    [Fact]
    public async Task A_master_that_restarts_at_the_same_address_is_the_same_master()
    {
        await World.StartAsync();

        World.Say(A, 7, "master,s_down");
        await World.PollAsync();
        await SentinelWorld.Until(() => Shard0.IsSubjectivelyDown);
        World.Say(A, 7);
        World.Masters.ReportRole("shard-0", A, ServerRole.Master);
        await World.PollAsync();

        await SentinelWorld.Until(() => !Shard0.IsSubjectivelyDown);
        Assert.Equal((A, 7L), (Shard0.Master!, Shard0.ConfigEpoch));
    }

    [Fact]
    public async Task A_slow_Sentinel_that_named_the_old_master_last_does_not_hold_back_the_new_one()
    {
        await World.StartAsync();
        Sentinels[0].Behaviour = FakeBehaviour.IsStopped;

        World.Say(B, 8, "master", Sentinels[1]);
        World.Masters.RequestRefresh("shard-0");

        await SentinelWorld.Until(() => Shard0.Master == B);
    }

    [Fact]
    public async Task Nothing_is_asked_and_nothing_stays_open_after_disposal()
    {
        await World.StartAsync();
        var change = World.Masters.WaitForChangeAsync("shard-0", Shard0.Version, TestContext.Current.CancellationToken);

        await World.Masters.DisposeAsync();
        var asked = Sentinels.Sum(static sentinel => sentinel.Asked);
        World.Masters.RequestRefresh("shard-0");
        World.Time.Advance(TimeSpan.FromMinutes(1));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => change);
        Assert.All(Sentinels, static sentinel => Assert.Equal(0, sentinel.OpenConnections));
        Assert.Equal(asked, Sentinels.Sum(static sentinel => sentinel.Asked));
    }

    [Fact]
    public async Task A_shard_that_was_not_asked_for_is_refused_by_name()
    {
        Assert.Throws<ArgumentException>(() => World.Masters.Current("shard-9"));
        Assert.Throws<ArgumentException>(() => World.Masters.RequestRefresh("shard-9"));
        Assert.Throws<ArgumentException>(() => World.Masters.ReportRole("shard-9", A, ServerRole.Master));
        await Assert.ThrowsAsync<ArgumentException>(() => World.Masters.WaitForChangeAsync("shard-9", 0, TestContext.Current.CancellationToken));
    }
}
