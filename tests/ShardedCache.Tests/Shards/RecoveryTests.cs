using System.Collections.Concurrent;
using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>What a new master gets before it serves.</summary>
public sealed class RecoveryTests : Outage
{
    [Theory]
    [InlineData(3)]
    [InlineData(300)]
    public async Task Everything_is_replayed_before_the_shard_is_up_and_later_commands_follow_on_the_same_connection(int count)
    {
        await StartAsync();
        await FailAsync();
        for (var i = 0; i < count; i++)
        {
            await SetAsync($"key-{i}", $"{i}");
        }

        var states = new ConcurrentQueue<ShardState>();
        B.AnswerEntry = command =>
        {
            states.Enqueue(World.Now.State);
            return null;
        };
        await PromoteAsync();
        await SetAsync("key-0", "later");

        Assert.Equal(Enumerable.Repeat(ShardState.Recovering, count), states.Take(count));
        var sent = B.Sent.ToArray();
        Assert.Equal([.. Enumerable.Repeat("replay", count), "set"], sent.Select(static entry => entry.Command));
        Assert.Single(sent.Select(static entry => entry.Connection).Distinct());
        Assert.Equal(count, sent[..count].Select(static entry => entry.Key).Distinct().Count());
        Assert.Equal("later", On(B, "key-0"));
        Assert.Equal("1", await GetAsync("key-1"));
        await UntilProvenAsync();
    }

    [Fact]
    public async Task A_refresh_that_comes_while_its_entry_yields_to_a_later_one_prolongs_that()
    {
        await StartAsync();
        await FailAsync();
        await SetAsync("key", "mine", Sliding(60));
        World.Time.Advance(TimeSpan.FromSeconds(1));
        A.Store["key"] = Foreign("theirs", 0, new EntryExpiration(0, 60_000, TimeSpan.FromSeconds(60)));
        var yielded = new TaskCompletionSource<Reply>();
        A.AnswerLater = command => command == "replay" ? yielded.Task : null;
        A.IsDown = false;
        await World.UntilAsync(() => A.Sent.Any(static sent => sent.Command == "replay"));

        await Cache.RefreshAsync("key", Token);
        A.AnswerLater = static _ => null;
        yielded.SetResult(Reply.Ok);

        await World.UntilAsync(() => A.Sent.Any(static sent => sent is { Command: "refresh", Key: "key" }));
        Assert.Equal("theirs", await GetAsync("key"));
        await UntilProvenAsync();
        Assert.Equal("theirs", await GetAsync("key"));
    }

    [Fact]
    public async Task What_is_written_while_the_journal_is_replayed_is_read_back_and_reaches_the_master_behind_it()
    {
        await StartAsync();
        await FailAsync();
        for (var i = 0; i < 200; i++)
        {
            await SetAsync($"key-{i}", "before");
        }

        Task? late = null;
        B.AnswerEntry = command =>
        {
            if (late is null)
            {
                late = Task.Run(
                    async () =>
                    {
                        await SetAsync("key-7", "late");
                        Assert.Equal("late", await GetAsync("key-7"));
                        await Cache.RemoveAsync("key-8", Token);
                        Assert.Null(await GetAsync("key-8"));
                    }, Token);
                SpinWait.SpinUntil(() => late.IsCompleted, 300);
            }

            return null;
        };
        await PromoteAsync();
        await late!;
        await UntilProvenAsync();

        Assert.Equal(("late", "tombstone"), (On(B, "key-7"), On(B, "key-8")));
        Assert.InRange(B.Sent.TakeWhile(static sent => sent.Command == "replay").Count(), 200, 203);
    }

    [Fact]
    public async Task What_the_new_master_had_got_of_the_old_one_is_not_replayed_and_the_rest_is()
    {
        await StartWithReplicaAsync();
        A.Replication.Acknowledged = 0;
        await SetAsync("got", "value");
        await MarkedAsync();
        var (replicated, offset) = (A.Store.ToArray(), A.Replication.Offset);
        await SetAsync("lost", "value");
        await MarkedAsync();
        await SetAsync("unmarked", "value");

        await FailAsync();
        B.TakeOverFrom(A, replicated, offset);
        await PromoteAsync();

        Assert.Equal(["lost", "unmarked"], B.Sent.Where(static sent => sent.Command == "replay").Select(static sent => sent.Key).Order());
        Assert.Equal(["value", "value", "value"], (await Cache.GetManyAsync(["got", "lost", "unmarked"], Token)).Select(Text));
    }

    [Fact]
    public async Task In_another_history_nothing_counts_as_got()
    {
        await StartWithReplicaAsync();
        A.Replication.Acknowledged = 0;
        await SetAsync("a", "value");
        await MarkedAsync();
        await SetAsync("b", "value");
        await FailAsync();
        B.Replication.Id = "a-history-of-its-own";

        await PromoteAsync();

        Assert.Equal(("value", "value"), (On(B, "a"), On(B, "b")));
    }

    [Fact]
    public async Task What_every_replica_has_acknowledged_is_not_replayed_in_whatever_history()
    {
        await StartWithReplicaAsync();
        await SetAsync("a", "value");
        await UntilProvenAsync();
        await FailAsync();

        await PromoteAsync();

        Assert.Empty(B.Sent);
    }

    [Fact]
    public async Task A_replica_that_the_Sentinels_could_promote_and_the_master_does_not_see_keeps_the_journal_whole()
    {
        await StartWithReplicaAsync();
        A.Replication.Replicas = 0;
        await SetAsync("a", "value");
        await MarkedAsync();
        Assert.True(Cache.JournalBytes > 0);
        A.Replication.Replicas = 1;
        World.Masters.Say(ShardWorld.Shard, A.Address, [B.Address, new("10.1.0.9", 6379)]);
        await MarkedAsync();
        Assert.True(Cache.JournalBytes > 0);

        World.Masters.Say(ShardWorld.Shard, A.Address, [B.Address]);

        await UntilProvenAsync();
    }

    [Fact]
    public async Task A_new_connection_to_the_same_history_gets_nothing_twice_but_what_had_no_answer()
    {
        await StartWithReplicaAsync();
        A.Replication.Acknowledged = 0;
        await SetAsync("acknowledged", "value");
        A.AnswerEntry = static command => command is "set" or "replay" ? Reply.TimedOut : null;
        await SetAsync("unanswered", "value");
        await FailAsync();
        A.AnswerEntry = static _ => null;
        var before = A.Sent.Count;

        await ReturnAsync();

        Assert.Equal([("replay", "unanswered")], A.Sent.Skip(before).Select(static sent => (sent.Command, sent.Key)));
    }

    [Fact]
    public async Task A_server_that_begins_another_history_under_a_living_connection_is_recovered_anew()
    {
        await StartWithReplicaAsync();
        A.Replication.Acknowledged = 0;
        await SetAsync("key", "value");
        await MarkedAsync();
        A.Store.TryRemove("key", out _);
        A.Replication.Id = "another";

        await World.UntilAsync(() => A.Opened > 2 && On(A, "key") == "value");
        await World.UntilAsync(ShardState.Up);
    }

    [Fact]
    public async Task A_record_that_somebody_has_overwritten_is_forgotten_and_the_later_value_read()
    {
        await StartAsync();
        await SetAsync("copied", "copy");
        await UntilProvenAsync();
        await FailAsync();
        await SetAsync("key", "ours");
        await Cache.RemoveAsync("copied", Token);
        B.Store["key"] = Foreign("theirs", 5);
        B.Store["copied"] = Foreign("theirs", 5);

        await PromoteAsync();

        Assert.Equal(("theirs", "theirs"), (await GetAsync("key"), await GetAsync("copied")));
        Assert.Equal(("theirs", "theirs"), (On(B, "key"), On(B, "copied")));
        await UntilProvenAsync();
        await SetAsync("key", "ours again");
        Assert.Equal("ours again", await GetAsync("key"));
    }

    [Fact]
    public async Task A_record_that_has_expired_meanwhile_hides_what_it_had_replaced()
    {
        await StartAsync();
        await FailAsync();
        await SetAsync("key", "new", For(1));
        World.Time.Advance(TimeSpan.FromSeconds(2));
        B.Store["key"] = Foreign("old", -10);

        await PromoteAsync();

        Assert.Equal("tombstone", On(B, "key"));
        Assert.Equal(120_000, B.Lives["key"]);
        Assert.Null(await GetAsync("key"));
    }

    [Fact]
    public async Task A_record_keeps_the_rest_of_its_life()
    {
        await StartAsync();
        await FailAsync();
        await SetAsync("absolute", "value", For(100));
        await SetAsync("sliding", "value", Sliding(160));
        await SetAsync("endless", "value");
        World.Time.Advance(TimeSpan.FromSeconds(60));

        await PromoteAsync();

        Assert.InRange(B.Lives["sliding"]!.Value, 108_000, 110_000);
        Assert.Null(B.Lives["endless"]);

        // Kept for those who replay something older; its header ends it in time.
        Assert.Equal(120_000, B.Lives["absolute"]);
        Assert.NotNull(await GetAsync("absolute"));
        World.Time.Advance(TimeSpan.FromSeconds(41));
        Assert.Null(await GetAsync("absolute"));
    }

    [Fact]
    public async Task A_record_older_than_a_tombstone_s_life_becomes_an_invalidation_because_a_later_removal_may_have_left_no_trace()
    {
        await StartAsync(change: static settings => settings with { TombstoneLife = TimeSpan.FromSeconds(10) });
        await FailAsync();
        await SetAsync("missing", "new");
        await SetAsync("older", "new");
        await SetAsync("same", "new");
        B.Store["older"] = Foreign("old", -10);
        World.Time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal("new", await GetAsync("older"));

        await PromoteAsync();

        Assert.Equal(("tombstone", "tombstone"), (On(B, "missing"), On(B, "older")));
        Assert.Null(await GetAsync("older"));
    }

    [Fact]
    public async Task After_an_outage_a_short_life_leaves_something_that_late_replays_of_others_yield_to()
    {
        await StartAsync();
        await Cache.SetAsync("before", [1], For(5), Token);
        await FailAsync();
        await ReturnAsync();
        await Cache.SetAsync("after", [1], For(5), Token);
        await Cache.SetAsync("sliding", [1], Sliding(20), Token);

        Assert.Equal(5_000, A.Lives["before"]);
        Assert.InRange(A.Lives["after"]!.Value, 100_000, 120_000);
        Assert.InRange(A.Lives["sliding"]!.Value, 20_000, 22_000);
        Assert.InRange(A.Lives["__shardedcache:stamp:sliding"]!.Value, 100_000, 120_000);

        World.Time.Advance(TimeSpan.FromMinutes(2));
        await Cache.SetAsync("later", [1], For(5), Token);
        Assert.Equal(5_000, A.Lives["later"]);
        await Cache.SetAsync("later sliding", [1], Sliding(20), Token);
        Assert.False(A.Lives.ContainsKey("__shardedcache:stamp:later sliding"));
    }

    [Fact]
    public async Task An_invalidation_leaves_the_same_version_where_it_is()
    {
        await StartWithReplicaAsync(static settings => settings with { TombstoneLife = TimeSpan.FromSeconds(10) });
        A.Replication.Acknowledged = 0;
        await SetAsync("key", "value");
        await FailAsync();
        World.Time.Advance(TimeSpan.FromSeconds(20));
        B.TakeOverFrom(A, A.Store.ToArray(), offset: 0);

        await PromoteAsync();

        Assert.Equal("value", await GetAsync("key"));
        Assert.Equal("value", On(B, "key"));
    }

    [Theory]
    [InlineData("READONLY You can't write against a read only replica.")]
    [InlineData("LOADING Redis is loading the dataset in memory")]
    [InlineData("TIMEOUT")]
    public async Task A_master_that_does_not_take_the_journal_is_tried_again_until_it_does(string fault)
    {
        await StartAsync();
        await FailAsync();
        for (var i = 0; i < 100; i++)
        {
            await SetAsync($"key-{i}", "value");
        }

        B.AnswerEntry = command => command == "replay" && B.Opened < 3 ? Fault(B, fault) : null;
        World.Masters.Say(ShardWorld.Shard, B.Address);
        await World.UntilAsync(() => B.Opened == 2);
        Assert.Equal("value", await GetAsync("key-42"));

        await World.UntilUpOnAsync(B);
        await UntilProvenAsync();
        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal("value", On(B, $"key-{i}")));
    }

    /// <summary>What was acknowledged so far has a mark.</summary>
    private Task MarkedAsync()
    {
        var before = Infos();
        return World.UntilAsync(() => Infos() >= before + 3);

        int Infos() => A.Commands.Count(static command => command == "INFO replication");
    }

    [Fact]
    public async Task A_use_of_what_is_on_its_way_to_the_new_master_is_brought_there_also_where_no_replica_is_left_to_prove_anything()
    {
        await StartWithReplicaAsync();
        await FailAsync();
        await SetAsync("{user}:first", "value");
        await SetAsync("{user}:key", "value", Sliding(30));
        var answer = new TaskCompletionSource<Reply>();
        B.AnswerLater = script => script == "replay" ? answer.Task : null;
        B.Role = "master";
        World.Masters.Say(ShardWorld.Shard, B.Address, [A.Address]);
        await World.UntilAsync(() => Replays() == 1);

        Assert.Equal("value", await GetAsync("{user}:key"));
        B.AnswerLater = static _ => null;
        answer.SetResult(Reply.Ok with { Integer = 1 });

        await World.UntilAsync(() => Replays() == 2);

        int Replays() => B.Sent.Count(static sent => sent is { Command: "replay", Key: "{user}:key" });
    }
}
