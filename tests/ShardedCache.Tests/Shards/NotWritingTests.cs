using System.Text;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>What a caller sees of a server that reads and does not write, or has no memory for the value.</summary>
public sealed class NotWritingTests : Outage
{
    public static TheoryData<string> NotWriting { get; } =
        ["MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "NOREPLICAS Not enough good replicas to write."];

    [Theory]
    [MemberData(nameof(NotWriting))]
    public async Task A_server_that_does_not_write_now_serves_reads_and_what_it_lacks_is_read_from_the_journal_until_it_has_it(string fault)
    {
        await StartAsync();
        await SetAsync("key", "old");
        await SetAsync("removed", "old");
        await SetAsync("other", "value");
        await UntilProvenAsync();
        A.AnswerEntry = command => command is "get" ? null : Reply.FromError(fault);

        await SetAsync("key", "new");
        await Cache.RemoveAsync("removed", Token);
        await World.PollAsync(A, times: 4);

        Assert.Equal(("new", null, "value"), (await GetAsync("key"), await GetAsync("removed"), await GetAsync("other")));
        Assert.DoesNotContain(A.Sent, static sent => sent is { Command: "get", Key: "key" or "removed" });
        Assert.Equal((ShardState.Up, 1), (World.Now.State, A.Opened));
        Assert.InRange(A.Sent.Count(static sent => sent is { Command: "replay", Key: "key" }), 1, 7);

        A.AnswerEntry = static _ => null;
        await UntilProvenAsync();
        Assert.Equal(("new", "tombstone"), (On(A, "key"), On(A, "removed")));
        Assert.Equal("new", await GetAsync("key"));
        Assert.Contains(A.Sent, static sent => sent is { Command: "get", Key: "key" });
    }

    [Fact]
    public async Task A_value_is_read_as_long_as_its_server_has_not_taken_it_and_brought_as_an_invalidation_when_it_is_old()
    {
        await StartAsync();
        await SetAsync("key", "old");
        await SetAsync("used", "value", Sliding(1200));
        await UntilProvenAsync();
        A.AnswerEntry = static command => command is "get" ? null : Reply.FromError("MISCONF Redis is configured to save RDB snapshots");
        await SetAsync("key", "new");
        World.Time.Advance(TimeSpan.FromSeconds(100));
        await World.UntilAsync(ShardState.Up);
        Assert.Equal("value", await GetAsync("used"));
        for (var i = 0; i < 40; i++)
        {
            await World.PollAsync(A);
        }

        Assert.Equal(("new", "value"), (await GetAsync("key"), await GetAsync("used")));

        A.AnswerEntry = static _ => null;
        await UntilProvenAsync();
        Assert.Equal("tombstone", On(A, "key"));
        Assert.Null(await GetAsync("key"));
        Assert.Equal("value", await GetAsync("used"));
    }

    [Theory]
    [MemberData(nameof(NotWriting))]
    public async Task A_server_that_does_not_write_when_it_becomes_master_serves_reads_under_the_journal(string fault)
    {
        await StartAsync();
        await FailAsync();
        await SetAsync("key", "new");
        B.Store["key"] = Foreign("old", -10);
        B.Store["other"] = Foreign("value", -10);
        B.AnswerEntry = command => command is "get" ? null : Reply.FromError(fault);

        await PromoteAsync();

        Assert.Equal(("new", "value"), (await GetAsync("key"), await GetAsync("other")));
        B.AnswerEntry = static _ => null;
        await UntilProvenAsync();
        Assert.Equal("new", On(B, "key"));
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier, "new")]
    [InlineData(FailoverMode.Bypass, null)]
    public async Task While_a_replay_is_under_way_that_may_be_refused_the_older_value_is_not_read(FailoverMode mode, string? expected)
    {
        await StartAsync(mode);
        await SetAsync("key", "old");
        await SetAsync("removed", "old");
        await UntilProvenAsync();
        const string Fault = "MISCONF Redis is configured to save RDB snapshots.";
        var answer = new TaskCompletionSource<Reply>();
        A.AnswerEntry = static command => command == "set" ? Reply.FromError(Fault) : null;
        A.AnswerLater = command => command == "replay" ? answer.Task : null;
        await SetAsync("key", "new");
        await Cache.RemoveAsync("removed", Token);
        await World.UntilAsync(() => A.Sent.Count(static sent => sent.Command == "replay") == 2);

        Assert.Equal((expected, null), (await GetAsync("key"), await GetAsync("removed")));
        answer.SetResult(Reply.FromError(Fault));
        await Task.Delay(20, Token);
        Assert.Equal((expected, null), (await GetAsync("key"), await GetAsync("removed")));

        A.AnswerLater = static _ => null;
        await UntilProvenAsync();
        Assert.Equal((expected, null), (await GetAsync("key"), await GetAsync("removed")));
        Assert.Equal((expected ?? "tombstone", "tombstone"), (On(A, "key"), On(A, "removed")));
    }

    [Fact]
    public async Task While_a_further_write_is_on_its_way_the_value_before_the_journal_s_is_not_read_either()
    {
        await StartAsync();
        await SetAsync("key", "old");
        await UntilProvenAsync();
        A.AnswerEntry = static command => command == "set" ? Reply.FromError("MISCONF Redis is configured to save RDB snapshots.") : null;
        await SetAsync("key", "first");
        A.Hangs = static command => command == "set";
        using var cancellation = new CancellationTokenSource();
        var second = Cache.SetAsync("key", "second"u8.ToArray(), new(), cancellation.Token);

        Assert.Equal("second", await GetAsync("key"));

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        await UntilProvenAsync();
        Assert.Equal("second", On(A, "key"));
    }

    [Fact]
    public async Task A_refresh_prolongs_what_a_server_that_does_not_write_now_has_yet_to_get()
    {
        await StartAsync();
        A.AnswerEntry = static command => command is "set" or "replay" ? Reply.FromError("MISCONF Redis is configured to save RDB snapshots.") : null;
        await SetAsync("key", "value", Sliding(5));

        World.Time.Advance(TimeSpan.FromSeconds(4));
        await Cache.RefreshAsync("key", Token);
        World.Time.Advance(TimeSpan.FromSeconds(4));

        Assert.Equal("value", await GetAsync("key"));
    }

    [Fact]
    public async Task An_entry_that_was_written_long_ago_and_is_in_use_stays_while_its_server_does_not_write()
    {
        await StartAsync();
        await SetAsync("key", "value", Sliding(600));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal("value", await GetAsync("key"));
        A.AnswerEntry = static command => command is "set" or "replay" or "touch" ? Reply.FromError("MISCONF Redis is configured to save RDB snapshots.") : null;
        await SetAsync("other", "value");
        World.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("value", await GetAsync("key"));
        await World.PollAsync(A, 3);

        Assert.Equal("value", await GetAsync("key"));

        A.AnswerEntry = static _ => null;
        await UntilProvenAsync();
        Assert.Equal("value", On(A, "key"));
    }

    [Fact]
    public async Task An_entry_in_use_stays_where_this_process_only_reads_and_its_server_does_not_write()
    {
        await StartAsync();
        await SetAsync("key", "value", Sliding(20));
        await UntilProvenAsync();
        A.AnswerEntry = static command => command is "touch" or "replay" ? Reply.FromError("MISCONF Redis is configured to save RDB snapshots.") : null;
        World.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal("value", await GetAsync("key"));
        await World.UntilAsync(() => A.Sent.Any(static sent => sent.Command == "touch") && Cache.JournalBytes > 0);

        // Redis has let it expire.
        World.Time.Advance(TimeSpan.FromSeconds(15));
        A.Store.TryRemove("key", out _);
        Assert.Equal("value", await GetAsync("key"));

        A.AnswerEntry = static _ => null;
        await UntilProvenAsync();
        Assert.Equal("value", On(A, "key"));
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier)]
    [InlineData(FailoverMode.Bypass)]
    [InlineData(FailoverMode.Throw)]
    public async Task Whatever_is_written_its_status_says_that_the_server_does_not_write_until_it_does(FailoverMode mode)
    {
        await StartAsync(mode);
        Func<Task>[] writes =
        [
            () => SetAsync("key", "value"),
            () => Cache.RemoveAsync("key", Token),
            () => Cache.SetManyAsync([new("a", "value"u8.ToArray()), new("b", "value"u8.ToArray())], new(), Token),
            () => Cache.CreateKeyGroup("group").SetAsync([new("{group}:key", "value"u8.ToArray())], new(), Token),
            () => ((IPageCache)Cache).Pages.SetAsync("page", new("value"u8.ToArray()), ["tag"], TimeSpan.FromMinutes(1), Token).AsTask(),
            () => ((IPageCache)Cache).Pages.EvictAsync("tag", Token),
            () => ((ISessionCache)Cache).Sessions.CommitSessionAsync(
                "session", null, new(false, new Dictionary<string, byte[]?> { ["a"] = [1] }, 1), TimeSpan.FromMinutes(1), Token).AsTask(),
        ];

        foreach (var write in writes)
        {
            A.AnswerEntry = static command => command == "get" ? null : Reply.FromError("NOREPLICAS Not enough good replicas to write.");
            var failure = await Record.ExceptionAsync(write);
            Assert.Equal((mode == FailoverMode.Throw, true), (failure is ShardUnavailableException, IsWriteRefused));

            A.AnswerEntry = static _ => null;

            // More than once, because a replay that was refused may have said it since.
            for (var i = 0; i == 0 || (IsWriteRefused && i < 100); i++)
            {
                await write();
                await UntilProvenAsync();
            }

            Assert.False(IsWriteRefused);
        }
    }

    [Fact]
    public async Task What_one_master_has_said_is_nothing_that_the_next_one_says()
    {
        await StartAsync(FailoverMode.Throw);
        FailNext(A, "set", "NOREPLICAS Not enough good replicas to write.");
        await Assert.ThrowsAsync<ShardUnavailableException>(() => SetAsync("key", "new"));
        Assert.True(IsWriteRefused);
        await FailAsync();

        await PromoteAsync();

        Assert.False(IsWriteRefused);
    }

    [Fact]
    public async Task To_throw_is_to_throw_where_a_server_does_not_write()
    {
        await StartAsync(FailoverMode.Throw);
        FailNext(A, "set", "MISCONF Redis is configured to save RDB snapshots.");

        await Assert.ThrowsAsync<ShardUnavailableException>(() => SetAsync("key", "new"));
        Assert.Equal(ShardState.Up, World.Now.State);
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier)]
    [InlineData(FailoverMode.Bypass)]
    [InlineData(FailoverMode.Throw)]
    public async Task Without_memory_for_the_new_value_the_older_one_is_gone(FailoverMode mode)
    {
        await StartAsync(mode);
        await SetAsync("key", "old");
        FailNext(A, "set", "OOM command not allowed when used memory > 'maxmemory'.");

        await SetAsync("key", "new");

        Assert.Null(On(A, "key"));
        Assert.Null(await GetAsync("key"));
        await UntilProvenAsync();
        Assert.Null(await GetAsync("key"));
        Assert.Contains(A.Sent, static sent => sent is { Command: "evict", Key: "key" });
    }

    [Theory]
    [MemberData(nameof(ServerFaultTests.Unavailable), MemberType = typeof(ServerFaultTests))]
    public async Task Without_memory_and_then_without_an_answer_the_older_value_is_not_read_either(string fault)
    {
        await StartAsync();
        await SetAsync("key", "old");
        A.AnswerEntry = command => command switch
        {
            "set" => Reply.FromError("OOM command not allowed when used memory > 'maxmemory'."),
            "evict" => Fault(A, fault),
            _ => null,
        };

        await SetAsync("key", "new");
        Assert.Null(await GetAsync("key"));

        A.AnswerEntry = static _ => null;
        await World.UntilAsync(ShardState.Up);
        await UntilProvenAsync();
        Assert.Null(await GetAsync("key"));
        Assert.NotEqual("old", On(A, "key"));
    }

    [Fact]
    public async Task A_refresh_that_is_not_taken_hides_nothing_that_others_have_written_since()
    {
        await StartAsync();
        A.Replication.Acknowledged = 0;
        await Cache.RemoveAsync("key", Token);
        A.Store["key"] = Foreign("theirs", 1, EntryExpiration.From(Sliding(60), default, 0));
        A.AnswerEntry = static command => command == "get" ? null : Reply.FromError("MISCONF Redis is configured to save RDB snapshots");

        await Cache.RefreshAsync("key", Token);

        Assert.Equal("theirs", await GetAsync("key"));
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier)]
    [InlineData(FailoverMode.Bypass)]
    [InlineData(FailoverMode.Throw)]
    public async Task A_server_that_was_long_in_saying_that_it_has_no_memory_gets_only_the_rest_of_the_time_for_the_removal(FailoverMode mode)
    {
        await StartAsync(mode);
        await SetAsync("key", "old");
        var answer = new TaskCompletionSource<Reply>();
        A.AnswerLater = command => command == "set" ? answer.Task : null;
        A.Hangs = static command => command == "evict";
        var set = SetAsync("key", "new");
        World.Time.Advance(TimeSpan.FromMilliseconds(700));
        answer.SetResult(Reply.FromError("OOM command not allowed when used memory > 'maxmemory'."));
        await World.UntilNowAsync(() => A.Sent.Any(static sent => sent.Command == "evict"));
        Assert.False(set.IsCompleted);

        World.Time.Advance(TimeSpan.FromMilliseconds(300));

        var failure = await Record.ExceptionAsync(() => set.WaitAsync(TimeSpan.FromSeconds(10), Token));
        Assert.Equal((mode == FailoverMode.Throw, mode == FailoverMode.Throw), (failure is ShardUnavailableException, failure is not null));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task While_there_is_no_memory_a_write_is_one_command_that_removes_the_key_and_afterwards_a_plain_one_again(bool isSynchronous)
    {
        await StartAsync();
        await SetAsync("key", "old");
        FailNext(A, "set", "OOM command not allowed when used memory > 'maxmemory'.");
        await SetAsync("other", "new");
        A.AnswerEntry = static command => command == "replay" ? new Reply(ReplyKind.Ok, EntryScripts.RemovedForLackOfMemory) : null;

        Assert.Equal(["replay"], await SentAsync("new"));

        A.Store.TryRemove("key", out _);
        Assert.Null(await GetAsync("key"));
        A.AnswerEntry = static _ => null;
        Assert.Equal(["replay"], await SentAsync("newer"));
        Assert.Equal(("newer", "newer"), (On(A, "key"), await GetAsync("key")));
        Assert.Equal(["set"], await SentAsync("newest"));
        Assert.Equal("newest", await GetAsync("key"));
        await UntilProvenAsync();

        async Task<IEnumerable<string>> SentAsync(string value)
        {
            var before = A.Sent.Count;
            if (isSynchronous)
            {
                Cache.Set("key", Encoding.UTF8.GetBytes(value), new());
            }
            else
            {
                await SetAsync("key", value);
            }

            return [.. A.Sent.Skip(before).Select(static sent => sent.Command)];
        }
    }

    [Fact]
    public async Task Without_memory_a_write_that_yields_to_a_later_one_does_not_go_before_that_in_the_next_outage()
    {
        await StartWithReplicaAsync();
        A.Replication.Acknowledged = 0;
        FailNext(A, "set", "OOM command not allowed when used memory > 'maxmemory'.");
        await SetAsync("other", "new");
        A.Store["key"] = B.Store["key"] = Foreign("later", 5);

        await SetAsync("key", "mine");
        await FailAsync();
        await ReplicaServesAsync();

        Assert.Equal("later", await GetAsync("key"));
    }

    [Fact]
    public async Task A_record_for_which_a_new_master_has_no_memory_leaves_nothing_older_behind()
    {
        await StartAsync();
        await FailAsync();
        await SetAsync("key", "new");
        B.Store["key"] = Foreign("old", -10);
        B.AnswerEntry = command => command == "replay" && B.Store.TryRemove("key", out _) ? new Reply(ReplyKind.Ok, 2) : null;

        await PromoteAsync();

        Assert.Null(await GetAsync("key"));
        await UntilProvenAsync();
    }

    private bool IsWriteRefused => Assert.Single(((IStatusSource)Cache).Status.Shards).IsWriteRefused;
}
