using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>What the journal keeps of a session's changes when reads, refusals and other clocks come between.</summary>
public sealed class SessionRecordTests : SessionOutage
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_read_that_was_sent_before_a_commit_and_is_answered_after_it_takes_nothing_out_of_the_journal(bool isLate)
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        var replicated = A.Store.ToArray();
        A.Replication.Replicas = 1;
        A.Replication.Acknowledged = A.Replication.Offset;
        var slow = new TaskCompletionSource<Reply>();
        A.GetLater = () => isLate ? slow.Task : null;
        var read = LoadAsync();
        A.GetLater = static () => null;
        await SendAsync(known, ("b", "2"));
        Assert.Equal("a=1 b=2", On(A));
        slow.SetResult(Reply.Ok);
        Assert.Equal("a=1", Show(await read));

        await FailAsync();
        B.TakeOverFrom(A, replicated, offset: 0);
        await PromoteAsync();

        Assert.Equal("a=1 b=2", On(B));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(15)]
    [InlineData(3600)]
    public async Task A_change_of_what_another_client_has_stamped_ahead_of_our_clock_is_read_back_in_an_outage(double seconds)
    {
        await StartAsync();
        Foreign(A, seconds, ("a", "old"), ("b", "old"));
        var known = await LoadAsync();
        await SendAsync(known, ("a", "new"), ("b", null));
        Assert.Equal("a=new", On(A));
        await FailAsync();

        Assert.Equal("a=new", Show(await LoadAsync()));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(15)]
    [InlineData(3600)]
    public async Task The_same_change_made_in_an_outage_is_read_back_and_merged_later(double seconds)
    {
        await StartAsync();
        Foreign(A, seconds, ("a", "old"), ("b", "old"));
        var known = await LoadAsync();
        await UntilProvenAsync();
        await FailAsync();

        known = await CommitAsync(known, ("a", "new"), ("b", null));
        Assert.Equal("a=new", Show(known));
        await CommitAsync(known, ("a", "newer"));
        await ReturnAsync();

        Assert.Equal("a=newer", On(A));
    }

    [Fact]
    public async Task A_stamp_that_is_ahead_prolongs_nothing()
    {
        await StartAsync();
        Foreign(A, 3600, ("a", "old"));
        var known = await LoadAsync();
        await FailAsync();
        await SendAsync(known, ("a", "new"));

        World.Time.Advance(TimeSpan.FromMinutes(22));

        Assert.Null((await LoadAsync()).State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_commit_that_is_refused_leaves_what_was_accepted_before_it(bool isRemoved)
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        RefuseMerges("MISCONF Redis is configured to save RDB snapshots");
        await SendAsync(known, ("b", "2"));
        if (isRemoved)
        {
            await SendAsync(known, ("a", null));
        }

        RefuseMerges("NOPERM this user has no permissions to run the 'set' command");
        await Assert.ThrowsAsync<ShardUnavailableException>(() => SendAsync(known, ("c", "3"), ("b", "refused")));
        A.AnswerEntry = static _ => null;
        Assert.Equal(isRemoved ? "b=2" : "a=1 b=2", Show(await LoadAsync()));

        await UntilProvenAsync();
        Assert.Equal(isRemoved ? "b=2" : "a=1 b=2", On(A));
    }

    [Fact]
    public async Task A_commit_that_is_refused_leaves_what_was_acknowledged_and_is_not_replicated_yet()
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        var replicated = A.Store.ToArray();
        A.Replication.Replicas = 1;
        A.Replication.Acknowledged = A.Replication.Offset;
        await SendAsync(known, ("b", "2"));
        RefuseMerges("NOPERM this user has no permissions to run the 'set' command");
        await Assert.ThrowsAsync<ShardUnavailableException>(() => SendAsync(known, ("c", "3")));
        await FailAsync();

        B.TakeOverFrom(A, replicated, offset: 0);
        await PromoteAsync();

        Assert.Equal("a=1 b=2", On(B));
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier)]
    [InlineData(FailoverMode.Bypass)]
    [InlineData(FailoverMode.Throw)]
    public async Task A_session_that_is_gone_when_its_request_ends_is_written_whole(FailoverMode mode)
    {
        await StartAsync(mode);
        var known = await CommitAsync(new SessionLoad(), ("a", "1"), ("b", "1"), ("user", "u"));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromMinutes(25));
        Assert.True(A.Store.TryRemove(Stored, out _));
        var sent = A.Sent.Count;

        await SendAsync(known, ("c", "3"), ("b", null));

        Assert.Equal("a=1 c=3 user=u", On(A));
        Assert.Equal(2, A.Sent.Count - sent);
        await SendAsync(known, ("c", "4"));
        Assert.Equal("a=1 c=4 user=u", On(A));
        Assert.Equal(3, A.Sent.Count - sent);
    }

    [Fact]
    public async Task Where_its_master_does_not_answer_then_it_is_written_whole_later()
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        Assert.True(A.Store.TryRemove(Stored, out _));
        var merges = 0;
        A.AnswerEntry = command => command == "session-merge" && ++merges == 2 ? Reply.TimedOut : null;

        await SendAsync(known, ("b", "2"));
        Assert.Equal("a=1 b=2", Show(await LoadAsync()));

        await UntilProvenAsync();
        Assert.Equal("a=1 b=2", On(A));
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier)]
    [InlineData(FailoverMode.Throw)]
    public async Task What_was_removed_while_its_request_went_on_does_not_come_back_with_it(FailoverMode mode)
    {
        await StartAsync(mode);
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        A.Store[Stored] = ForeignTombstone(1);

        await SendAsync(known, ("b", "2"));

        Assert.Equal("b=2", On(A));
    }

    [Theory]
    [InlineData("MISCONF Redis is configured to save RDB snapshots")]
    [InlineData("OOM command not allowed when used memory > 'maxmemory'.")]
    public async Task A_session_that_its_server_does_not_take_now_lives_as_long_as_it_is_read(string fault)
    {
        await StartAsync();
        RefuseMerges(fault);
        await SendAsync(new SessionLoad(), ("a", "1"));
        for (var i = 0; i < 3; i++)
        {
            World.Time.Advance(TimeSpan.FromMinutes(15));
            Assert.Equal("a=1", Show(await LoadAsync()));
        }

        A.AnswerEntry = static _ => null;
        await UntilProvenAsync();

        Assert.Equal("a=1", On(A));
        Assert.InRange(A.Lives[Stored] ?? 0, TimeSpan.FromMinutes(19).TotalMilliseconds, TimeSpan.FromMinutes(22).TotalMilliseconds);
        World.Time.Advance(TimeSpan.FromMinutes(25));
        Assert.True(A.Store.TryRemove(Stored, out _));
        Assert.Null(Show(await LoadAsync()));
    }

    [Fact]
    public async Task What_a_request_had_read_before_the_shard_s_clock_was_known_is_moved_to_that_with_the_journal()
    {
        A.IsDown = true;
        A.ClockLead = TimeSpan.FromMinutes(-10);
        World.Masters.Say(ShardWorld.Shard, A.Address);
        World.Start(mode: FailoverMode.LocalTier);
        await World.UntilAsync(ShardState.FailingOver);
        await SendAsync(new SessionLoad { IsAvailable = true, State = SessionState.Empty }, ("a", "1"));
        var known = await LoadAsync();
        Assert.Equal((true, "a=1"), (known.IsAvailable, Show(known)));

        await ReturnAsync();
        await SendAsync(known, ("b", "2"));

        Assert.Equal("a=1 b=2", On(A));
        Assert.True(FakeSessions.TryRead(A.Store[Stored], out var header, out var state));
        var now = (World.Time.GetUtcNow() + A.ClockLead - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        Assert.InRange(header.Stamp.UnixMicroseconds, now - 60_000_000, now);
        Assert.All(state.Items, item => Assert.InRange(item.Value.Stamp.UnixMicroseconds, now - 60_000_000, now));
    }

    [Fact]
    public async Task A_session_that_was_brought_to_its_server_behind_a_read_lives_by_that_read_as_well()
    {
        await StartAsync();
        RefuseMerges("MISCONF Redis is configured to save RDB snapshots");
        await SendAsync(Sessions.BeginSession(Session), ("a", "1"));
        World.Time.Advance(TimeSpan.FromMinutes(19.5));
        await World.UntilAsync(ShardState.Up);
        var slow = new TaskCompletionSource<Reply>();
        A.AnswerEntry = static command => command == "get" ? Reply.Nil : Reply.FromError("MISCONF Redis is configured to save RDB snapshots");
        A.GetLater = () => slow.Task;
        var read = LoadAsync();
        A.AnswerEntry = static _ => null;
        await UntilProvenAsync();
        Assert.InRange(A.Lives[Stored] ?? 0, 1, TimeSpan.FromMinutes(3).TotalMilliseconds);

        slow.SetResult(Reply.Nil);
        Assert.Equal("a=1", Show(await read));

        await UntilProvenAsync();
        Assert.InRange(A.Lives[Stored] ?? 0, TimeSpan.FromMinutes(19).TotalMilliseconds, TimeSpan.FromMinutes(22).TotalMilliseconds);
    }

    private void RefuseMerges(string error) => A.AnswerEntry = command => command == "session-merge" ? Reply.FromError(error) : null;
}
