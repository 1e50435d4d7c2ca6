using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

/// <summary>Sentinels that are gone, refuse, or cannot tell.</summary>
public sealed class SentinelFaultTests : SentinelQuestions
{
    [Fact]
    public async Task Where_SUBSCRIBE_is_forbidden_polling_alone_does()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.MaySubscribe = false;
        }

        await World.StartAsync();
        World.Say(B, 8);
        await World.PollAsync();

        await SentinelWorld.Until(() => Shard0.Master == B);
        await SentinelWorld.Until(() => World.Messages(215).Count() == 3);
    }

    [Fact]
    public async Task A_Sentinel_that_refuses_us_is_not_pressed_by_broken_connections()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.Behaviour = FakeBehaviour.Refuses;
        }

        World.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Fault!.Kind == MasterFaultKind.Refused);
        var before = World.Connects;
        World.Masters.RequestRefresh("shard-0");
        World.Masters.RequestRefresh("shard-1");
        await SentinelWorld.Until(() => World.Connects == before + 3);
        await World.QuietAsync();
        World.Time.Advance(SentinelTimings.Default.PollInTrouble * 2);

        Assert.Equal(before + 3, World.Connects);
    }

    [Fact]
    public async Task Sentinels_that_are_down_at_start_are_asked_until_they_answer()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.Behaviour = FakeBehaviour.IsDown;
        }

        World.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Fault!.Kind == MasterFaultKind.AllUnreachable);
        foreach (var sentinel in Sentinels)
        {
            Assert.Contains($"{sentinel.Address} (Unreachable: connection refused)", Shard0.Fault!.Message, StringComparison.Ordinal);
            sentinel.Behaviour = FakeBehaviour.Answers;
        }

        await World.PollAsync();

        await SentinelWorld.Until(() => Shard0.Master == A && Shard0.Fault is null);
        await SentinelWorld.Until(() => World.Messages(212).Count() == 3);
    }

    [Fact]
    public async Task The_agreed_master_stays_when_all_Sentinels_go_and_the_fault_says_that_nobody_confirms_it()
    {
        await World.StartAsync();

        foreach (var sentinel in Sentinels)
        {
            sentinel.Behaviour = FakeBehaviour.IsDown;
        }

        World.Masters.RequestRefresh("shard-0");

        await SentinelWorld.Until(() => Shard0.Fault?.Kind == MasterFaultKind.AllUnreachable);
        Assert.Equal(A, Shard0.Master);
    }

    [Fact]
    public async Task A_Sentinel_that_stops_answering_is_given_up_after_the_patience_and_connected_to_anew()
    {
        await World.StartAsync();
        Sentinels[0].Behaviour = FakeBehaviour.IsStopped;

        await World.PollAsync();
        World.Time.Advance(SentinelTimings.Default.Patience);

        await SentinelWorld.Until(() => Sentinels[0].OpenConnections == 0);
        Sentinels[0].Behaviour = FakeBehaviour.Answers;
        await World.PollAsync();
        await SentinelWorld.Until(() => Sentinels[0].OpenConnections == 1 && Sentinels[0].IsListenedTo);
    }

    [Fact]
    public async Task The_survivor_of_a_dead_majority_names_an_outage_and_not_an_answer()
    {
        await World.StartAsync();

        Sentinels[0].Behaviour = Sentinels[1].Behaviour = FakeBehaviour.IsDown;
        World.Say(A, 7, "master,s_down", Sentinels[2]);
        await World.PollAsync();

        await SentinelWorld.Until(() => Shard0.IsSubjectivelyDown);
        Assert.Equal(A, Shard0.Master);
        await SentinelWorld.Until(() => World.Messages(202).Count() == 1);
    }

    [Fact]
    public async Task One_Sentinel_that_alone_cannot_reach_the_master_does_not_make_it_down()
    {
        World.Say(A, 7, "master,s_down", Sentinels[2]);

        await World.StartAsync();
        await World.PollAsync(3);

        Assert.False(Shard0.IsSubjectivelyDown);
    }

    [Fact]
    public async Task A_Sentinel_in_TILT_does_not_know_who_is_down()
    {
        await World.StartAsync();
        Sentinels[0].Behaviour = Sentinels[1].Behaviour = FakeBehaviour.IsDown;
        Sentinels[2].IsInTilt = true;

        World.Say(A, 7, "master,s_down", Sentinels[2]);
        await World.PollAsync(3);

        Assert.False(Shard0.IsSubjectivelyDown);
        Assert.Single(World.Messages(216));
    }

    [Fact]
    public async Task A_name_that_no_Sentinel_knows_is_an_error_of_its_own_that_lists_what_they_monitor()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.Masters.TryRemove("shard-0", out _);
        }

        World.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Fault!.Kind == MasterFaultKind.NameUnknown);

        Assert.Contains("'shard-0'", Shard0.Fault!.Message, StringComparison.Ordinal);
        Assert.Contains("They monitor shard-1.", Shard0.Fault.Message, StringComparison.Ordinal);
        Assert.Null(World.Masters.Current("shard-1").Fault);
        await SentinelWorld.Until(() => World.Messages(204).Count() == 1);
    }

    [Fact]
    public async Task Refused_credentials_are_a_configuration_error_of_their_own()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.Behaviour = FakeBehaviour.Refuses;
        }

        World.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Fault!.Kind == MasterFaultKind.Refused);

        Assert.True(Shard0.Fault!.IsConfigurationError);
        Assert.Contains("WRONGPASS", Shard0.Fault.Message, StringComparison.Ordinal);
        Assert.Contains("sentinelPassword", Shard0.Fault.Message, StringComparison.Ordinal);
        Assert.Equal(3, World.Messages(211).Count());
    }

    [Fact]
    public async Task A_connect_that_throws_is_logged_once_and_does_not_end_the_asking()
    {
        World.ConnectThrows = new InvalidOperationException("the vault is closed, its key is s3cr3t");
        World.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Fault!.Kind == MasterFaultKind.AllUnreachable);
        Assert.DoesNotContain("s3cr3t", Shard0.Fault!.Message, StringComparison.Ordinal);
        await World.PollAsync(3);
        Assert.Equal(3, World.Messages(217).Count());

        World.ConnectThrows = null;
        await World.PollAsync();

        await SentinelWorld.Until(() => Shard0.Master == A);
    }

    [Fact]
    public async Task A_user_who_may_not_ask_for_TILT_and_id_can_do_without()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.MayInspect = false;
        }

        await World.StartAsync();

        Assert.Equal(A, Shard0.Master);
        Assert.Empty(World.Messages(211));
    }
}
