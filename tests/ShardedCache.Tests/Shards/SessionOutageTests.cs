using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>A session over the failures of its shard: no change that was accepted is lost, and none takes another's away.</summary>
public sealed class SessionOutageTests : SessionOutage
{
    [Theory]
    [InlineData("TIMEOUT")]
    [InlineData("LOST")]
    [InlineData("READONLY You can't write against a read only replica.")]
    [InlineData("MISCONF Redis is configured to save RDB snapshots")]
    [InlineData("OOM command not allowed when used memory > 'maxmemory'.")]
    public async Task A_change_without_an_answer_is_read_back_and_merged_later(string fault)
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("before", "1"));
        FailNext(A, "session-merge", fault);

        await CommitAsync(known, ("during", "2"), ("before", null));
        Assert.Equal("during=2", Show(await LoadAsync()));

        await World.UntilAsync(() => On(A) == "during=2");
        Assert.Equal("during=2", Show(await LoadAsync()));
        await UntilProvenAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_load_that_waited_for_a_silent_master_in_vain_asks_the_replica_for_the_rest_of_its_time(bool isReplicaSilent)
    {
        await StartWithReplicaAsync();
        await World.UntilAsync(() => B.Connections.Count > 0);
        Foreign(B, 1, ("a", "1"));
        A.Hangs = static command => command == "get";
        B.Hangs = command => isReplicaSilent && command == "get";
        var before = World.Time.GetUtcNow();
        var load = LoadAsync();
        World.Time.Advance(TimeSpan.FromSeconds(0.86));
        A.IsDown = true;
        A.Break(ConnectionFaultKind.Silent);

        await World.UntilAsync(() => load.IsCompleted);

        Assert.Equal((!isReplicaSilent, isReplicaSilent ? null : "a=1"), ((await load).IsAvailable, Show(await load)));
        Assert.InRange(World.Time.GetUtcNow() - before, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_change_that_failed_while_a_later_one_succeeded_is_sent_again_with_it()
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        var slow = new TaskCompletionSource<Reply>();
        A.AnswerLater = command => command == "session-merge" ? slow.Task : null;
        var first = SendAsync(known, ("b", "2"));
        A.AnswerLater = static _ => null;
        await SendAsync(known, ("c", "3"));
        Assert.Equal("a=1 c=3", On(A));

        slow.SetResult(Reply.TimedOut);
        await first;

        await World.UntilAsync(() => On(A) == "a=1 b=2 c=3");
    }

    [Fact]
    public async Task Changes_during_an_outage_are_merged_with_those_of_others_into_the_new_master()
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"), ("removed", "1"), ("both", "1"));
        await UntilProvenAsync();
        await FailAsync();

        known = await LoadAsync();
        Assert.Equal(("a=1 both=1 removed=1", true), (Show(known), known.IsAvailable));
        await CommitAsync(known, ("b", "2"), ("removed", null), ("both", "ours"));
        Assert.Equal("a=1 b=2 both=ours", Show(await LoadAsync()));

        // Another instance comes first, and knows nothing of it.
        B.TakeOverFrom(A);
        Foreign(B, 5, ("c", "3"), ("removed", "again"), ("both", "theirs"));
        await PromoteAsync();

        Assert.Equal("a=1 b=2 both=theirs c=3 removed=again", On(B));
        Assert.Equal(On(B), Show(await LoadAsync()));
        await UntilProvenAsync();
    }

    [Fact]
    public async Task What_the_new_master_lacks_is_brought_to_it_also_where_it_was_acknowledged()
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        var replicated = A.Store.ToArray();
        A.Replication.Replicas = 1;
        await CommitAsync(known, ("b", "2"));
        await FailAsync();

        B.TakeOverFrom(A, replicated, offset: 0);
        await PromoteAsync();

        Assert.Equal("a=1 b=2", On(B));
    }

    [Fact]
    public async Task Without_any_base_the_session_is_not_available_and_what_is_changed_is_merged_later()
    {
        await StartAsync();
        Foreign(A, -10, ("a", "1"), ("removed", "1"), ("b", "1"));
        await FailAsync();

        var known = await LoadAsync();
        Assert.Equal((false, true), (known.IsAvailable, known.TakesChanges));
        await CommitAsync(known, ("b", "2"), ("removed", null));
        known = await LoadAsync();
        Assert.Equal(("b=2", false), (Show(known), known.IsAvailable));
        await CommitAsync(known, ("c", "3"));
        await ReturnAsync();

        Assert.Equal("a=1 b=2 c=3", On(A));
        known = await LoadAsync();
        Assert.Equal(("a=1 b=2 c=3", true), (Show(known), known.IsAvailable));

        // Now the base is known.
        await FailAsync();
        known = await LoadAsync();
        Assert.Equal(("a=1 b=2 c=3", true), (Show(known), known.IsAvailable));
    }

    [Fact]
    public async Task A_session_that_is_new_in_an_outage_is_whole()
    {
        await StartAsync();
        await FailAsync();

        await CommitAsync(new SessionLoad { IsAvailable = true, State = SessionState.Empty }, ("a", "1"));

        var known = await LoadAsync();
        Assert.Equal(("a=1", true), (Show(known), known.IsAvailable));
        await ReturnAsync();
        Assert.Equal("a=1", On(A));
    }

    [Fact]
    public async Task A_change_that_is_pending_is_merged_into_what_the_master_answers_to_reads()
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        A.AnswerEntry = static command => command == "session-merge" ? Reply.FromError("MISCONF no") : null;
        await CommitAsync(known, ("b", "2"));
        Foreign(A, 1, ("c", "3"));

        known = await LoadAsync();

        Assert.Equal(("a=1 b=2 c=3", true), (Show(known), known.IsAvailable));
        Assert.Equal("a=1 c=3", On(A));
        A.AnswerEntry = static _ => null;
        await World.UntilAsync(() => On(A) == "a=1 b=2 c=3");
    }

    [Fact]
    public async Task A_later_change_brings_the_pending_one_with_it()
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        FailNext(A, "session-merge", "MISCONF no");
        await SendAsync(known, ("b", "2"));

        await SendAsync(known, ("c", "3"));

        Assert.Equal("a=1 b=2 c=3", On(A));
    }

    [Fact]
    public async Task Replica_and_journal_are_read_as_one()
    {
        await StartWithReplicaAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        await FailAsync();
        Foreign(B, 1, ("c", "3"));
        await CommitAsync(known, ("b", "2"));
        await World.UntilAsync(() => B.Connections.Count > 0);

        await World.UntilAsync(() => Show(Sessions.LoadSessionAsync(Session, CallMode.Blocking, Token).GetAwaiter().GetResult()) == "a=1 b=2 c=3");

        // Whatever the replica said is brought to the next master.
        A.Store.Clear();
        await ReturnAsync();
        Assert.Equal("a=1 b=2 c=3", On(A));
    }

    [Fact]
    public async Task Where_a_replica_knows_no_session_there_is_none()
    {
        await StartWithReplicaAsync();
        await FailAsync();

        await World.UntilAsync(() => Sessions.LoadSessionAsync(Session, CallMode.Blocking, Token).GetAwaiter().GetResult() is { IsAvailable: true, State: null });
    }

    [Fact]
    public async Task A_session_that_nobody_used_for_its_window_is_not_made_anew_by_a_replay()
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await FailAsync();
        await CommitAsync(known, ("b", "2"));
        World.Time.Advance(TimeSpan.FromMinutes(22));
        A.Store.Clear();
        await ReturnAsync();

        Assert.Null(On(A));
        await UntilProvenAsync();
    }

    [Fact]
    public async Task Changes_of_a_long_outage_are_merged_as_long_as_the_session_is_used()
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        await FailAsync();
        await CommitAsync(known, ("b", "2"));
        for (var i = 0; i < 6; i++)
        {
            World.Time.Advance(TimeSpan.FromMinutes(3));
            Assert.Equal("a=1 b=2", Show(await LoadAsync()));
        }

        await ReturnAsync();

        Assert.Equal("a=1 b=2", On(A));
    }

    [Fact]
    public async Task Uses_in_an_outage_prolong_the_session_on_the_next_master()
    {
        await StartAsync();
        await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        await FailAsync();
        World.Time.Advance(TimeSpan.FromMinutes(15));
        Sessions.KeepSessionAlive(Session);
        World.Time.Advance(TimeSpan.FromMinutes(15));

        // It expired there meanwhile.
        A.Store.Clear();
        A.Lives.Clear();
        await ReturnAsync();

        Assert.Equal("a=1", On(A));

        Assert.InRange(A.Lives[Stored]!.Value, TimeSpan.FromMinutes(4).TotalMilliseconds, TimeSpan.FromMinutes(7).TotalMilliseconds);
    }

    [Fact]
    public async Task Before_the_shards_clock_is_known_changes_are_stamped_by_ours_and_moved_to_it()
    {
        A.ClockLead = TimeSpan.FromHours(-1);
        A.IsDown = true;
        World.Masters.Say(ShardWorld.Shard, A.Address);
        World.Start(mode: FailoverMode.LocalTier);
        await World.UntilAsync(ShardState.FailingOver);
        await CommitAsync(new SessionLoad { IsAvailable = true, State = SessionState.Empty }, ("a", "1"));
        await ReturnAsync();
        var known = await LoadAsync();
        Assert.Equal("a=1", Show(known));

        await CommitAsync(known, ("a", "2"));

        Assert.Equal("a=2", On(A));
    }

    [Fact]
    public async Task Beyond_the_journals_bound_a_session_is_cleared_rather_than_left_with_old_values()
    {
        await StartAsync(change: static settings => settings with { JournalSizeLimit = 8 * 1024 });
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        await FailAsync();
        await CommitAsync(known, ("a", new string('x', 4000)));
        for (var i = 0; i < 6; i++)
        {
            await SetAsync($"key-{i}", new string('x', 3000));
        }

        await ReturnAsync();

        Assert.Null(Show(await LoadAsync()));
        known = await CommitAsync(await LoadAsync(), ("b", "2"));
        Assert.Equal("b=2", On(A));
    }

    [Theory]
    [InlineData(FailoverMode.Throw)]
    [InlineData(FailoverMode.Bypass)]
    public async Task Without_the_local_tier_a_session_is_not_available_in_an_outage_and_takes_no_changes(FailoverMode mode)
    {
        await StartAsync(mode);
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await FailAsync();

        if (mode == FailoverMode.Throw)
        {
            await Assert.ThrowsAsync<ShardUnavailableException>(LoadAsync);
            await Assert.ThrowsAsync<ShardUnavailableException>(() => SendAsync(known, ("b", "2")));
        }
        else
        {
            var load = await LoadAsync();
            Assert.Equal((false, false), (load.IsAvailable, load.TakesChanges));
            await SendAsync(known, ("b", "2"));
        }

        await ReturnAsync();
        Assert.Equal("a=1", On(A));
        Assert.Equal("a=1", Show(await LoadAsync()));
    }

    [Fact]
    public async Task A_cancelled_commit_is_merged_all_the_same()
    {
        await StartAsync();
        var isFirst = 1;
        A.Hangs = command => command == "session-merge" && Interlocked.Exchange(ref isFirst, 0) == 1;
        using var cancellation = new CancellationTokenSource();
        var changes = new SessionChanges(false, new Dictionary<string, byte[]?> { ["a"] = "1"u8.ToArray() }, 1);
        var commit = Sessions.CommitSessionAsync(Session, null, changes, TimeSpan.FromMinutes(20), cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => commit);

        await World.UntilAsync(() => On(A) == "a=1");
    }
}
