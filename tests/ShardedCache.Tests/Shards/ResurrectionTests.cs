using System.Globalization;
using ShardedCache.Connections;

namespace ShardedCache.Tests.Shards;

/// <summary>Nothing older than what a process wrote or read is ever read there again, through all states of a failover.</summary>
public sealed class ResurrectionTests : Outage
{
    [Fact]
    public async Task What_a_reader_knows_by_its_key_alone_hides_what_was_there_before_and_does_not_refuse_its_writer_s_replay()
    {
        await StartWithReplicaAsync();
        var large = Foreign(new string('x', 70_000), 1);
        B.Store["key"] = Foreign("old", -10);
        A.Store["key"] = large;
        await LeaveReplicaBehindAsync();
        Assert.NotNull(await GetAsync("key"));
        await FailAsync();
        B.TakeOverFrom(A, [], offset: 0);
        await PromoteAsync();
        await UntilProvenOnAsync(B);
        Assert.Equal("tombstone", On(B, "key"));

        Assert.Equal(1, B.Replay("key", large));

        Assert.Equal(70_000, (await GetAsync("key"))!.Length);
    }

    [Fact]
    public async Task What_yielded_to_a_later_value_goes_to_the_next_master_where_that_never_got_it()
    {
        await StartWithReplicaAsync();
        B.Store["key"] = Foreign("old", -10);
        await LeaveReplicaBehindAsync();
        await FailAsync();
        await SetAsync("key", "mine");
        A.Store["key"] = Foreign("later", 5);
        await ReturnAsync();
        Assert.Equal("later", On(A, "key"));

        await FailAsync();
        B.TakeOverFrom(A, [], offset: 0);
        await PromoteAsync();

        Assert.Equal("mine", await GetAsync("key"));
    }

    [Fact]
    public async Task What_yielded_to_a_later_value_does_not_hide_it_on_the_replica_and_is_read_where_the_replica_has_only_what_is_older()
    {
        await StartWithReplicaAsync();
        await LeaveReplicaBehindAsync();
        await FailAsync();
        foreach (var key in (string[])["replicated", "lacking", "removed"])
        {
            await SetAsync(key, "mine", Sliding(3600));
            A.Store[key] = Foreign("later", 5);
        }

        B.Store["replicated"] = Foreign("later", 5);
        B.Store["lacking"] = Foreign("old", -10);
        B.Store["removed"] = ForeignTombstone(6);
        await ReturnAsync();
        await FailAsync();
        await ReplicaServesAsync();

        Assert.Equal(["later", "mine", null], (await Cache.GetManyAsync(["replicated", "lacking", "removed"], Token)).Select(Text));
    }

    [Fact]
    public async Task The_use_of_what_yielded_to_a_later_value_that_has_expired_does_not_bring_it_back()
    {
        await StartWithReplicaAsync();
        await FailAsync();
        await SetAsync("key", "mine", Sliding(3600));
        A.Store["key"] = Foreign("later", 5);
        await ReturnAsync();
        await UntilProvenAsync();
        A.Store.TryRemove("key", out _);
        await FailAsync();
        await ReplicaServesAsync();
        await GetAsync("key");

        await ReturnAsync();
        await UntilProvenAsync();

        Assert.Null(On(A, "key"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_short_sliding_entry_of_an_outage_or_soon_after_it_hides_what_another_instance_brings_when_it_has_expired(bool isAfter)
    {
        await StartAsync();
        await FailAsync();
        await (isAfter ? ReturnAsync() : Task.CompletedTask);
        await SetAsync("key", "later", Sliding(5));
        await CreateGroupMemberAsync();
        await (isAfter ? Task.CompletedTask : ReturnAsync());
        Assert.Equal(("later", "later"), (On(A, "key"), On(A, "{g}:key")));
        Assert.InRange(A.Lives["key"]!.Value, 1, 10_000);

        // Redis has let them expire.
        A.Store.TryRemove("key", out _);
        A.Store.TryRemove("{g}:key", out _);

        Assert.Equal((0, 0), (A.Replay("key", Foreign("older", -60)), A.Replay("{g}:key", Foreign("older", -60))));
        Assert.Equal((null, null), (await GetAsync("key"), await GetAsync("{g}:key")));
        Assert.Equal(1, A.Replay("key", Foreign("newer", 60)));
    }

    [Fact]
    public async Task What_yielded_and_is_not_proven_is_read_in_the_next_outage_however_long_the_one_before_was()
    {
        await StartWithReplicaAsync();
        await LeaveReplicaBehindAsync();
        await FailAsync();
        await SetAsync("key", "mine");
        World.Time.Advance(TimeSpan.FromSeconds(90));
        A.Store["key"] = Foreign("later", 5);
        await ReturnAsync();
        await FailAsync();

        Assert.Equal("mine", await GetAsync("key"));
    }

    [Fact]
    public async Task A_removed_key_never_reads_as_its_old_value()
    {
        await StartWithReplicaAsync();
        for (var i = 0; i < 200; i++)
        {
            await SetAsync($"key-{i}", "old");
        }

        await UntilProvenAsync();
        var old = A.Store.ToArray();
        using var end = new CancellationTokenSource();
        await Cache.RemoveManyAsync([.. Enumerable.Range(0, 100).Select(static i => $"key-{i}")], Token);
        var failed = FailAsync();
        await Cache.RemoveManyAsync([.. Enumerable.Range(100, 100).Select(static i => $"key-{i}")], Token);
        var readers = Enumerable.Range(0, 2).Select(reader => Task.Run(
            async () =>
            {
                for (var i = reader; !end.IsCancellationRequested; i = (i + 1) % 200)
                {
                    Assert.Null(await GetAsync($"key-{i}"));
                    await Cache.RefreshAsync($"key-{i}", Token);
                    await Task.Delay(i % 10 == 0 ? 1 : 0, Token);
                }
            }, Token)).ToList();

        await failed;
        foreach (var (key, stored) in old)
        {
            B.Store[key] = stored;
        }

        await Task.Delay(20, Token);
        B.TakeOverFrom(A, old, offset: 0);
        await PromoteAsync();
        await UntilProvenOnAsync(B);
        await end.CancelAsync();
        await Task.WhenAll(readers);

        Assert.All(Enumerable.Range(0, 200), i => Assert.Equal("tombstone", On(B, $"key-{i}")));
    }

    [Fact]
    public async Task A_key_never_goes_back_behind_what_was_written()
    {
        await StartWithReplicaAsync();
        using var end = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 2).Select(writer => Task.Run(
            async () =>
            {
                var version = 0;
                while (!end.IsCancellationRequested)
                {
                    await SetAsync($"key-{writer}", $"{++version}");
                    for (var i = 0; i < 3; i++)
                    {
                        Assert.Equal(version, int.Parse(await GetAsync($"key-{writer}") ?? "-1", CultureInfo.InvariantCulture));
                    }

                    await Task.Delay(version % 10 == 0 ? 1 : 0, Token);
                }

                return version;
            }, Token)).ToList();
        await World.PollAsync(A);
        var (replicated, offset) = (A.Store.ToArray(), A.Replication.Offset);
        await World.PollAsync(A);

        await FailAsync();
        B.TakeOverFrom(A, replicated, offset);
        await PromoteAsync();
        await World.PollAsync(B);
        await end.CancelAsync();
        var last = await Task.WhenAll(writers);
        await UntilProvenOnAsync(B);

        Assert.Equal([$"{last[0]}", $"{last[1]}"], new[] { On(B, "key-0"), On(B, "key-1") });
    }

    [Fact]
    public async Task What_is_first_read_from_a_replica_late_in_an_outage_is_not_brought_to_where_somebody_may_have_removed_it()
    {
        await StartWithReplicaAsync();
        B.Store["key"] = Foreign("old", -10);
        await FailAsync();
        await ReplicaServesAsync();
        World.Time.Advance(TimeSpan.FromMinutes(3));
        await ReplicaServesAsync();
        Assert.Equal("old", await GetAsync("key"));

        // Another client was not cut off from the master, the replica was: its tombstone has come and gone.
        await ReturnAsync();

        Assert.NotEqual("old", On(A, "key"));
    }

    [Fact]
    public async Task A_replay_whose_answer_has_waited_for_a_process_that_stood_still_is_as_old_as_it_was_when_it_was_sent()
    {
        await StartWithReplicaAsync();
        await LeaveReplicaBehindAsync();
        await FailAsync();
        await SetAsync("key", "old");
        var answer = new TaskCompletionSource<Reply>();
        A.AnswerLater = command => command == "replay" ? answer.Task : null;
        A.IsDown = false;
        await World.UntilAsync(() => A.Sent.Any(static sent => sent is { Command: "replay", Key: "key" }));
        World.Time.Advance(TimeSpan.FromMinutes(3));
        answer.SetResult(new Reply(ReplyKind.Ok, 1));
        await World.UntilUpOnAsync(A);

        // Another client has removed it in between; its tombstone has come and gone.
        await FailAsync();
        B.TakeOverFrom(A, [], offset: 0);
        await PromoteAsync();

        Assert.NotEqual("old", On(B, "key"));
    }

    private Task CreateGroupMemberAsync()
    {
        var group = Cache.CreateKeyGroup("g");
        return group.SetAsync([new(group.Key("key"), "later"u8.ToArray())], Sliding(5), Token);
    }

    /// <summary>From now on nothing that is written can be proven.</summary>
    private Task LeaveReplicaBehindAsync()
    {
        A.Replication.Acknowledged = 0;
        return SetAsync("other", "value that the replica never gets");
    }

    private Task UntilProvenOnAsync(FakeServer server)
    {
        server.Replication.Replicas = 1;
        World.Masters.Say(ShardWorld.Shard, server.Address, [A.Address]);
        return UntilProvenAsync();
    }
}
