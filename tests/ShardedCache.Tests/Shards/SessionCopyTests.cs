using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>What this process keeps of sessions that it has read, or whose changes it has given up, takes nothing away from them.</summary>
public sealed class SessionCopyTests : SessionOutage
{
    private const int Limit = 16 * 1024;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_session_that_the_journal_gave_up_is_not_cleared_by_a_later_change_of_it(bool wasWritten)
    {
        await StartWithFullJournalAsync();
        if (wasWritten)
        {
            await SendAsync(new SessionLoad { IsAvailable = true, State = SessionState.Empty }, ("a", "1"));
        }
        else
        {
            Foreign(A, -10, ("a", "1"));
            await LoadAsync();
        }

        await FillJournalAsync();
        await SendAsync(await LoadAsync(), ("b", "2"));
        await FailAsync();
        Assert.Equal("a=1 b=2", Show(await LoadAsync()));

        B.TakeOverFrom(A);
        await PromoteAsync();
        Assert.Equal("a=1 b=2", On(B));
    }

    [Fact]
    public async Task A_session_that_was_only_read_is_given_up_without_a_trace()
    {
        await StartWithFullJournalAsync();
        Foreign(A, -10, ("a", "1"));
        await LoadAsync();
        await AssertIsGivenUpWithoutATraceAsync();
    }

    [Fact]
    public async Task A_replica_that_has_what_the_journal_gave_up_is_read_and_brought_as_it_is()
    {
        await StartWithFullJournalAsync();
        await SendAsync(new SessionLoad { IsAvailable = true, State = SessionState.Empty }, ("a", "1"));
        B.Store[Stored] = A.Store[Stored];
        await FillJournalAsync();
        await FailAsync();
        await ReplicaServesAsync();

        Assert.Equal("a=1", Show(await LoadAsync()));
        await PromoteAsync();
        Assert.Equal("a=1", On(B));
    }

    [Fact]
    public async Task A_copy_that_is_too_old_to_be_shown_is_not_shown_for_being_changed()
    {
        await StartAsync();
        await CommitAsync(new SessionLoad(), ("user", "1"));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromMinutes(10));
        Foreign(A, 0, ("user", "another"));
        await FailAsync();
        var known = await LoadAsync();
        Assert.False(known.IsAvailable);

        known = await CommitAsync(known, ("a", "1"));

        Assert.Equal((false, "a=1"), (known.IsAvailable, Show(known)));
        await ReturnAsync();
        Assert.Equal("a=1 user=another", On(A));
        Assert.Equal("a=1 user=another", Show(await LoadAsync()));
    }

    [Fact]
    public async Task Nor_does_it_add_to_what_a_replica_says()
    {
        await StartWithReplicaAsync();
        await CommitAsync(new SessionLoad(), ("removed", "1"), ("a", "1"));
        await UntilProvenAsync();

        // Used for longer than a removal is remembered, and changed by others.
        for (var i = 0; i < 3; i++)
        {
            World.Time.Advance(TimeSpan.FromMinutes(9));
            Sessions.KeepSessionAlive(Session);
        }

        await World.UntilAsync(ShardState.Up);
        Foreign(B, 0, ("a", "2"));
        await FailAsync();
        await ReplicaServesAsync();

        Assert.Equal("a=2", Show(await LoadAsync()));
        Assert.Equal("a=2", Show(await LoadAsync()));
    }

    [Fact]
    public async Task A_change_that_is_brought_while_a_read_is_answered_is_in_what_that_returns_and_stays_in_the_journal()
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        var replicated = A.Store.ToArray();
        (A.Replication.Replicas, A.Replication.Acknowledged) = (1, A.Replication.Offset);
        A.AnswerEntry = static command => command == "session-merge" ? Reply.FromError("MISCONF Redis is configured to save RDB snapshots") : null;
        await SendAsync(known, ("b", "2"));
        var slow = new TaskCompletionSource<Reply>();
        A.GetLater = () => slow.Task;
        Foreign(A, 1, ("c", "3"));
        var read = LoadAsync();
        A.GetLater = static () => null;
        A.AnswerEntry = static _ => null;
        await World.UntilAsync(() => On(A) == "a=1 b=2 c=3");
        await World.UntilAsync(() => ((IStatusSource)Cache).Status.Shards[0].Undelivered == 0);

        slow.SetResult(Reply.Ok);

        Assert.Equal("a=1 b=2 c=3", Show(await read));
        await FailAsync();
        B.TakeOverFrom(A, replicated, offset: 0);
        await PromoteAsync();
        Assert.Equal("a=1 b=2 c=3", On(B));
    }

    [Fact]
    public async Task A_session_that_a_replica_does_not_have_is_not_brought_back_by_a_change()
    {
        await FailWithAnOldCopyAsync();
        var known = await LoadAsync();
        Assert.Equal((true, null), (known.IsAvailable, Show(known)));

        known = await CommitAsync(known with { State = known.State ?? SessionState.Empty }, ("a", "1"));
        Assert.Equal("a=1", Show(known));
        await PromoteAsync();
        Assert.Equal("a=1", On(B));
    }

    [Fact]
    public async Task A_session_that_a_replica_does_not_have_is_prolonged_all_the_same_by_its_use_where_the_next_master_has_it()
    {
        await FailWithAnOldCopyAsync();
        Sessions.KeepSessionAlive(Session);
        World.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Null(Show(await LoadAsync()));
        A.Lives.Clear();

        await ReturnAsync();

        await World.UntilAsync(() => A.Lives.ContainsKey(Stored));
        Assert.Contains(A.Sent, static sent => sent is { Command: "refresh", Key: Stored });
        Assert.Equal("user=1", Show(await LoadAsync()));
    }

    [Fact]
    public async Task A_change_that_was_given_up_is_not_undone_by_who_had_read_the_session_before_it()
    {
        await StartWithFullJournalAsync();
        var known = await CommitAsync(new SessionLoad { IsAvailable = true, State = SessionState.Empty }, ("a", "0"));
        var old = A.Store.ToArray();
        await SendAsync(known, ("a", "1"));
        await FillJournalAsync();
        await SendAsync(known, ("b", "2"));
        await FailAsync();

        B.TakeOverFrom(A, old, offset: 0);
        await PromoteAsync();

        Assert.Equal("b=2", On(B));
    }

    [Fact]
    public async Task Where_nobody_knows_what_was_given_up_the_session_is_not_available()
    {
        await StartWithFullJournalAsync();
        await SendAsync(new SessionLoad { IsAvailable = true, State = SessionState.Empty }, ("a", "1"));
        await FillJournalAsync();
        B.IsDown = true;
        B.Break();
        await FailAsync();

        var known = await LoadAsync();
        Assert.Equal((false, null), (known.IsAvailable, Show(known)));

        known = await CommitAsync(known, ("b", "2"));
        Assert.Equal((false, "b=2"), (known.IsAvailable, Show(known)));
    }

    [Fact]
    public async Task A_session_that_was_only_read_is_still_that_where_a_change_of_it_was_refused()
    {
        await StartWithFullJournalAsync();
        Foreign(A, -10, ("a", "1"));
        var known = await LoadAsync();
        A.AnswerEntry = static command => command == "session-merge" ? Reply.FromError("NOPERM") : null;
        await Assert.ThrowsAsync<ShardUnavailableException>(() => SendAsync(known, ("b", "2")));
        A.AnswerEntry = static _ => null;
        await AssertIsGivenUpWithoutATraceAsync();
    }

    [Fact]
    public async Task A_session_that_was_only_read_in_an_outage_is_no_write_that_is_not_delivered()
    {
        await StartWithReplicaAsync();
        Foreign(B, -10, ("a", "1"));
        await FailAsync();
        await ReplicaServesAsync();
        var known = await LoadAsync();
        Assert.Equal(("a=1", 0), (Show(known), ((IStatusSource)Cache).Status.Shards[0].Undelivered));

        await SendAsync(known, ("b", "2"));

        Assert.Equal(1, ((IStatusSource)Cache).Status.Shards[0].Undelivered);
    }

    /// <summary>The replica that serves then does not have the session, and the copy here is too old to be shown.</summary>
    private async Task FailWithAnOldCopyAsync()
    {
        await StartWithReplicaAsync();
        await CommitAsync(new SessionLoad(), ("user", "1"));
        await UntilProvenAsync();
        for (var i = 0; i < 90; i++)
        {
            World.Time.Advance(TimeSpan.FromSeconds(1));
            await World.UntilAsync(ShardState.Up);
        }

        await FailAsync();
        await ReplicaServesAsync();
    }

    private async Task StartWithFullJournalAsync()
    {
        await StartWithReplicaAsync(static settings => settings with { JournalSizeLimit = Limit });
        A.Replication.Acknowledged = 0;
    }

    private async Task AssertIsGivenUpWithoutATraceAsync()
    {
        await FillJournalAsync();
        await FailAsync();

        B.TakeOverFrom(A, []);
        Foreign(B, -20, ("older", "1"));
        await PromoteAsync();

        Assert.Equal("older=1", On(B));
    }

    private async Task FillJournalAsync()
    {
        for (var i = 0; i < 12; i++)
        {
            await SetAsync($"key-{i}", new string('x', 3000));
        }
    }
}
