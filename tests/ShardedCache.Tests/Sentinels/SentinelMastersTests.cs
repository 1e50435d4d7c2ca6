using ShardedCache.Connections;
using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

public sealed class SentinelMastersTests : IAsyncDisposable
{
    private static readonly ServerAddress A = SentinelWorld.A;
    private static readonly ServerAddress B = SentinelWorld.B;

    private readonly SentinelWorld _world = new();

    private IReadOnlyList<FakeSentinel> Sentinels => _world.Sentinels;

    private MasterSnapshot Shard0 => _world.Shard0;

    [Fact]
    public async Task The_masters_of_all_shards_are_found()
    {
        await _world.StartAsync();

        Assert.Equal((A, 7L), (Shard0.Master!, Shard0.ConfigEpoch));
        Assert.Equal(new ServerAddress("10.1.1.1", 6379), _world.Masters.Current("shard-1").Master);
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

        _world.Masters.Start();

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

        _world.Masters.Start();

        await SentinelWorld.Until(() => Shard0.Promotable == promotable);
        Assert.Equal([new ServerAddress("10.1.0.9", 6379)], Shard0.Replicas);

        foreach (var sentinel in Sentinels)
        {
            sentinel.Behaviour = FakeBehaviour.IsDown;
        }

        await _world.PollAsync();
        await SentinelWorld.Until(() => Shard0.Promotable == 2);
    }

    [Fact]
    public async Task A_switch_message_is_followed_without_waiting_for_the_next_poll()
    {
        await _world.StartAsync();
        var change = _world.Masters.WaitForChangeAsync("shard-0", Shard0.Version, TestContext.Current.CancellationToken);

        _world.Say(B, 8);
        Sentinels[1].Publish("+switch-master", "shard-0 10.1.0.1 6379 10.1.0.2 6379");

        Assert.Equal(B, (await change).Master);
    }

    [Fact]
    public async Task A_message_about_another_farm_s_master_asks_nobody()
    {
        await _world.StartAsync();
        _world.Say(B, 8);

        Sentinels[1].Publish("+switch-master", "other 10.1.0.1 6379 10.1.0.2 6379");
        Sentinels[1].Publish("+sdown", "nonsense");
        Sentinels[1].Publish("+switch-master", "shard-1 10.1.0.1 6379 10.1.0.2 6379");
        await SentinelWorld.Until(() => Shard0.Master == B);

        Assert.All(Sentinels, static sentinel => Assert.InRange(sentinel.Asked, 2, 4));
    }

    [Fact]
    public async Task A_missed_switch_message_is_made_up_for_by_the_next_poll()
    {
        await _world.StartAsync();

        _world.Say(B, 8);
        await _world.PollAsync();

        await SentinelWorld.Until(() => Shard0.Master == B);
    }

    [Fact]
    public async Task A_late_switch_message_changes_nothing()
    {
        await _world.StartAsync();
        _world.Say(B, 8);
        await _world.PollAsync();
        await SentinelWorld.Until(() => Shard0.Master == B);
        var version = Shard0.Version;

        Sentinels[0].Publish("+switch-master", "shard-0 10.1.0.1 6379 10.1.0.2 6379");
        await _world.PollAsync(2);

        Assert.Equal(version, Shard0.Version);
    }

    [Fact]
    public async Task While_a_failover_ends_the_promoted_address_counts_and_the_old_master_s_flags_do_not()
    {
        await _world.StartAsync();

        foreach (var sentinel in Sentinels)
        {
            sentinel.Masters["shard-0"] = new FakeMaster(B, 8, "master,s_down,o_down,failover_in_progress", Listed: A);
        }

        await _world.PollAsync();

        await SentinelWorld.Until(() => Shard0.Master == B);
        Assert.False(Shard0.IsSubjectivelyDown);
    }

    [Fact]
    public async Task A_switch_in_the_middle_of_a_question_does_not_give_the_old_master_the_new_epoch()
    {
        await _world.StartAsync();
        _world.Masters.ReportRole("shard-0", A, ServerRole.Master);
        Sentinels[1].Behaviour = Sentinels[2].Behaviour = FakeBehaviour.IsDown;

        Sentinels[0].BetweenTwoCommands = () => _world.Say(B, 8);
        await _world.PollAsync(2);

        await SentinelWorld.Until(() => Shard0.Master == B);
    }

    [Fact]
    public async Task A_replayed_old_switch_changes_nothing()
    {
        await _world.StartAsync();

        Sentinels[0].Publish("+switch-master", "shard-0 10.1.0.1 6379 10.1.0.2 6379");
        await _world.PollAsync(2);

        Assert.Equal((A, 1L), (Shard0.Master!, Shard0.Version));
    }

    [Fact]
    public async Task Where_SUBSCRIBE_is_forbidden_polling_alone_does()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.MaySubscribe = false;
        }

        await _world.StartAsync();
        _world.Say(B, 8);
        await _world.PollAsync();

        await SentinelWorld.Until(() => Shard0.Master == B);
        await SentinelWorld.Until(() => _world.Messages(215).Count() == 3);
    }

    [Fact]
    public async Task A_broken_connection_to_the_master_asks_again_at_once()
    {
        await _world.StartAsync();

        _world.Say(B, 8);
        _world.Masters.RequestRefresh("shard-0");

        await SentinelWorld.Until(() => Shard0.Master == B);
    }

    [Fact]
    public async Task Many_broken_connections_ask_once_and_then_more_frequent_polls_do()
    {
        await _world.StartAsync();
        var before = Sentinels[0].Asked;

        for (var i = 0; i < 10_000; i++)
        {
            _world.Masters.RequestRefresh("shard-0");
        }

        // Two shards are asked for each time.
        await SentinelWorld.Until(() => Sentinels.All(sentinel => sentinel.Asked == before + 2));
        await _world.QuietAsync();
        _world.Time.Advance(SentinelTimings.Default.PollInTrouble - TimeSpan.FromMilliseconds(1));
        Assert.Equal(before + 2, Sentinels[0].Asked);
        _world.Time.Advance(TimeSpan.FromMilliseconds(1));
        await SentinelWorld.Until(() => Sentinels[0].Asked == before + 4);
    }

    [Fact]
    public async Task A_Sentinel_that_refuses_us_is_not_pressed_by_broken_connections()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.Behaviour = FakeBehaviour.Refuses;
        }

        _world.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Fault!.Kind == MasterFaultKind.Refused);
        var before = _world.Connects;
        _world.Masters.RequestRefresh("shard-0");
        _world.Masters.RequestRefresh("shard-1");
        await SentinelWorld.Until(() => _world.Connects == before + 3);
        await _world.QuietAsync();
        _world.Time.Advance(SentinelTimings.Default.PollInTrouble * 2);

        Assert.Equal(before + 3, _world.Connects);
    }

    [Fact]
    public async Task Nothing_is_asked_between_two_polls()
    {
        await _world.StartAsync();
        await SentinelWorld.Until(() => Sentinels.All(static sentinel => sentinel.Asked == 2));

        _world.Time.Advance(SentinelTimings.Default.Poll - TimeSpan.FromMilliseconds(1));

        Assert.All(Sentinels, static sentinel => Assert.Equal(2, sentinel.Asked));
        Assert.All(Sentinels, static sentinel => Assert.Equal(1, sentinel.OpenConnections));
    }

    [Fact]
    public async Task A_returning_old_master_changes_nothing_whatever_role_it_claims()
    {
        await _world.StartAsync();
        _world.Say(B, 8);
        await _world.PollAsync();
        await SentinelWorld.Until(() => Shard0.Master == B);

        _world.Masters.ReportRole("shard-0", A, ServerRole.Master);
        _world.Say(A, 7, "master", Sentinels[2]);
        await _world.PollAsync(30);

        Assert.Equal(B, Shard0.Master);
    }

    [Fact]
    public async Task A_minority_Sentinel_with_an_old_answer_changes_nothing_also_when_the_others_are_gone()
    {
        _world.Say(B, 8, "master", Sentinels[0], Sentinels[1]);
        _world.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Master == B);

        Sentinels[0].Behaviour = Sentinels[1].Behaviour = FakeBehaviour.IsDown;
        await _world.PollAsync(30);

        Assert.Equal(B, Shard0.Master);
    }

    [Fact]
    public async Task Sentinels_that_are_down_at_start_are_asked_until_they_answer()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.Behaviour = FakeBehaviour.IsDown;
        }

        _world.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Fault!.Kind == MasterFaultKind.AllUnreachable);
        foreach (var sentinel in Sentinels)
        {
            Assert.Contains($"{sentinel.Address} (Unreachable: connection refused)", Shard0.Fault!.Message, StringComparison.Ordinal);
            sentinel.Behaviour = FakeBehaviour.Answers;
        }

        await _world.PollAsync();

        await SentinelWorld.Until(() => Shard0.Master == A && Shard0.Fault is null);
        await SentinelWorld.Until(() => _world.Messages(212).Count() == 3);
    }

    [Fact]
    public async Task The_agreed_master_stays_when_all_Sentinels_go_and_the_fault_says_that_nobody_confirms_it()
    {
        await _world.StartAsync();

        foreach (var sentinel in Sentinels)
        {
            sentinel.Behaviour = FakeBehaviour.IsDown;
        }

        _world.Masters.RequestRefresh("shard-0");

        await SentinelWorld.Until(() => Shard0.Fault?.Kind == MasterFaultKind.AllUnreachable);
        Assert.Equal(A, Shard0.Master);
    }

    [Fact]
    public async Task A_Sentinel_that_stops_answering_is_given_up_after_the_patience_and_connected_to_anew()
    {
        await _world.StartAsync();
        Sentinels[0].Behaviour = FakeBehaviour.IsStopped;

        await _world.PollAsync();
        _world.Time.Advance(SentinelTimings.Default.Patience);

        await SentinelWorld.Until(() => Sentinels[0].OpenConnections == 0);
        Sentinels[0].Behaviour = FakeBehaviour.Answers;
        await _world.PollAsync();
        await SentinelWorld.Until(() => Sentinels[0].OpenConnections == 1 && Sentinels[0].IsListenedTo);
    }

    [Fact]
    public async Task A_Sentinel_that_dies_and_returns_elsewhere_is_found_and_its_vote_is_one()
    {
        await _world.StartAsync();
        Sentinels[1].Behaviour = Sentinels[2].Behaviour = FakeBehaviour.IsDown;
        var moved1 = Move(Sentinels[1], "10.0.0.12");
        var moved2 = Move(Sentinels[2], "10.0.0.13");

        await _world.PollAsync(11);
        await SentinelWorld.Until(() => moved1.Asked > 0 && moved2.Asked > 0);
        Assert.Equal(2, _world.Messages(213).Count());

        // Two of three are a majority; of five they would be none.
        _world.Say(B, 0, "master", moved1, moved2);
        await _world.PollAsync(12);
        await SentinelWorld.Until(() => Shard0.Master == B);
    }

    [Fact]
    public async Task A_learned_Sentinel_that_is_dead_is_forgotten_when_nobody_names_it_any_more()
    {
        var fourth = _world.Add("10.0.0.4", "id-4");
        _world.Say(A, 7, "master", fourth);
        Sentinels[0].Others[fourth] = "sentinel";
        await _world.StartAsync();
        await SentinelWorld.Until(() => fourth.Asked > 0);

        fourth.Behaviour = FakeBehaviour.IsDown;
        Sentinels[0].Others[fourth] = "sentinel,s_down";
        await _world.PollAsync(12);
        Assert.Empty(_world.Messages(214));

        Sentinels[0].Others.TryRemove(fourth, out _);
        await _world.PollAsync(12);
        await SentinelWorld.Until(() => _world.Messages(214).Count() == 1);
    }

    [Fact]
    public async Task A_Sentinel_that_is_known_by_name_is_not_learned_by_its_address_too()
    {
        await _world.Masters.DisposeAsync();
        _world.AddAlias("sentinel-one", Sentinels[0]);
        _world.Ask([new("sentinel-one", 26379)], "shard-0", "shard-1");
        await _world.StartAsync();

        await _world.PollAsync(12);

        Assert.Equal(1, Sentinels[0].OpenConnections);
    }

    [Fact]
    public async Task A_Sentinel_that_is_reached_by_three_names_has_one_vote()
    {
        await _world.Masters.DisposeAsync();
        _world.AddAlias("one", Sentinels[0]);
        _world.AddAlias("eins", Sentinels[0]);
        _world.Ask([new("one", 26379), new("eins", 26379), .. Sentinels.Select(static sentinel => sentinel.Address)], "shard-0", "shard-1");
        await _world.StartAsync();

        _world.Say(B, 0, "master", Sentinels[0]);
        await _world.PollAsync(15);

        Assert.Equal(A, Shard0.Master);
    }

    [Fact]
    public async Task Epochs_that_an_operator_has_reset_are_accepted_when_a_majority_has_agreed_on_them_for_10_seconds()
    {
        await _world.StartAsync();

        _world.Say(B, 0, "master", Sentinels[0], Sentinels[1]);
        await _world.PollAsync(2);
        Assert.Equal(A, Shard0.Master);

        await _world.PollAsync(10);
        await SentinelWorld.Until(() => Shard0.Master == B);
        Assert.Equal(0, Shard0.ConfigEpoch);
        await SentinelWorld.Until(() => _world.Messages(201).Count() == 1);
    }

    [Fact]
    public async Task A_master_that_restarts_at_the_same_address_is_the_same_master()
    {
        await _world.StartAsync();

        _world.Say(A, 7, "master,s_down");
        await _world.PollAsync();
        await SentinelWorld.Until(() => Shard0.IsSubjectivelyDown);
        _world.Say(A, 7);
        _world.Masters.ReportRole("shard-0", A, ServerRole.Master);
        await _world.PollAsync();

        await SentinelWorld.Until(() => !Shard0.IsSubjectivelyDown);
        Assert.Equal((A, 7L), (Shard0.Master!, Shard0.ConfigEpoch));
    }

    [Fact]
    public async Task The_survivor_of_a_dead_majority_names_an_outage_and_not_an_answer()
    {
        await _world.StartAsync();

        Sentinels[0].Behaviour = Sentinels[1].Behaviour = FakeBehaviour.IsDown;
        _world.Say(A, 7, "master,s_down", Sentinels[2]);
        await _world.PollAsync();

        await SentinelWorld.Until(() => Shard0.IsSubjectivelyDown);
        Assert.Equal(A, Shard0.Master);
        await SentinelWorld.Until(() => _world.Messages(202).Count() == 1);
    }

    [Fact]
    public async Task One_Sentinel_that_alone_cannot_reach_the_master_does_not_make_it_down()
    {
        _world.Say(A, 7, "master,s_down", Sentinels[2]);

        await _world.StartAsync();
        await _world.PollAsync(3);

        Assert.False(Shard0.IsSubjectivelyDown);
    }

    [Fact]
    public async Task A_Sentinel_in_TILT_does_not_know_who_is_down()
    {
        await _world.StartAsync();
        Sentinels[0].Behaviour = Sentinels[1].Behaviour = FakeBehaviour.IsDown;
        Sentinels[2].IsInTilt = true;

        _world.Say(A, 7, "master,s_down", Sentinels[2]);
        await _world.PollAsync(3);

        Assert.False(Shard0.IsSubjectivelyDown);
        Assert.Single(_world.Messages(216));
    }

    [Fact]
    public async Task A_name_that_no_Sentinel_knows_is_an_error_of_its_own_that_lists_what_they_monitor()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.Masters.TryRemove("shard-0", out _);
        }

        _world.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Fault!.Kind == MasterFaultKind.NameUnknown);

        Assert.Contains("'shard-0'", Shard0.Fault!.Message, StringComparison.Ordinal);
        Assert.Contains("They monitor shard-1.", Shard0.Fault.Message, StringComparison.Ordinal);
        Assert.Null(_world.Masters.Current("shard-1").Fault);
        await SentinelWorld.Until(() => _world.Messages(204).Count() == 1);
    }

    [Fact]
    public async Task Refused_credentials_are_a_configuration_error_of_their_own()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.Behaviour = FakeBehaviour.Refuses;
        }

        _world.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Fault!.Kind == MasterFaultKind.Refused);

        Assert.True(Shard0.Fault!.IsConfigurationError);
        Assert.Contains("WRONGPASS", Shard0.Fault.Message, StringComparison.Ordinal);
        Assert.Contains("sentinelPassword", Shard0.Fault.Message, StringComparison.Ordinal);
        Assert.Equal(3, _world.Messages(211).Count());
    }

    [Fact]
    public async Task A_connect_that_throws_is_logged_once_and_does_not_end_the_asking()
    {
        _world.ConnectThrows = new InvalidOperationException("the vault is closed, its key is s3cr3t");
        _world.Masters.Start();
        await SentinelWorld.Until(() => Shard0.Fault!.Kind == MasterFaultKind.AllUnreachable);
        Assert.DoesNotContain("s3cr3t", Shard0.Fault!.Message, StringComparison.Ordinal);
        await _world.PollAsync(3);
        Assert.Equal(3, _world.Messages(217).Count());

        _world.ConnectThrows = null;
        await _world.PollAsync();

        await SentinelWorld.Until(() => Shard0.Master == A);
    }

    [Fact]
    public async Task A_user_who_may_not_ask_for_TILT_and_id_can_do_without()
    {
        foreach (var sentinel in Sentinels)
        {
            sentinel.MayInspect = false;
        }

        await _world.StartAsync();

        Assert.Equal(A, Shard0.Master);
        Assert.Empty(_world.Messages(211));
    }

    [Fact]
    public async Task A_slow_Sentinel_that_named_the_old_master_last_does_not_hold_back_the_new_one()
    {
        await _world.StartAsync();
        Sentinels[0].Behaviour = FakeBehaviour.IsStopped;

        _world.Say(B, 8, "master", Sentinels[1]);
        _world.Masters.RequestRefresh("shard-0");

        await SentinelWorld.Until(() => Shard0.Master == B);
    }

    [Fact]
    public async Task Nothing_is_asked_and_nothing_stays_open_after_disposal()
    {
        await _world.StartAsync();
        var change = _world.Masters.WaitForChangeAsync("shard-0", Shard0.Version, TestContext.Current.CancellationToken);

        await _world.Masters.DisposeAsync();
        var asked = Sentinels.Sum(static sentinel => sentinel.Asked);
        _world.Masters.RequestRefresh("shard-0");
        _world.Time.Advance(TimeSpan.FromMinutes(1));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => change);
        Assert.All(Sentinels, static sentinel => Assert.Equal(0, sentinel.OpenConnections));
        Assert.Equal(asked, Sentinels.Sum(static sentinel => sentinel.Asked));
    }

    [Fact]
    public async Task A_shard_that_was_not_asked_for_is_refused_by_name()
    {
        Assert.Throws<ArgumentException>(() => _world.Masters.Current("shard-9"));
        Assert.Throws<ArgumentException>(() => _world.Masters.RequestRefresh("shard-9"));
        Assert.Throws<ArgumentException>(() => _world.Masters.ReportRole("shard-9", A, ServerRole.Master));
        await Assert.ThrowsAsync<ArgumentException>(() => _world.Masters.WaitForChangeAsync("shard-9", 0, TestContext.Current.CancellationToken));
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    /// <summary>The same Sentinel, by its id, at another address.</summary>
    private FakeSentinel Move(FakeSentinel sentinel, string host)
    {
        var moved = _world.Add(host, sentinel.Id);
        _world.Say(A, 7, "master", moved);
        Sentinels[0].Others.TryRemove(sentinel, out _);
        Sentinels[0].Others[moved] = "sentinel";
        return moved;
    }
}
