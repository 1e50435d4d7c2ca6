using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Shards;

/// <summary>Reads while no master serves: the later of the replica's entry and the copy in memory, within bounds of age.</summary>
public sealed class ReplicaReadTests : Outage
{
    [Fact]
    public async Task What_this_process_never_saw_is_read_from_the_replica()
    {
        await StartWithReplicaAsync();
        B.Store["key"] = Foreign("value", -10);
        await FailAsync();
        await ReplicaServesAsync();

        Assert.Equal("value", await GetAsync("key"));
        Assert.Equal(["value", null], (await Cache.GetManyAsync(["key", "unknown"], Token)).Select(Text));
    }

    [Fact]
    public async Task A_later_entry_of_the_replica_wins_over_the_copy_and_an_earlier_one_does_not()
    {
        await StartWithReplicaAsync();
        await SetAsync("later", "copy");
        await SetAsync("earlier", "copy");
        await SetAsync("missing", "copy");
        await UntilProvenAsync();
        B.Store["later"] = Foreign("replica", 1);
        B.Store["earlier"] = Foreign("replica", -10);
        await FailAsync();
        await ReplicaServesAsync();

        Assert.Equal(["replica", "copy", "copy"], (await Cache.GetManyAsync(["later", "earlier", "missing"], Token)).Select(Text));
    }

    [Fact]
    public async Task What_the_master_said_has_expired_is_not_read_as_what_it_replaced()
    {
        await StartWithReplicaAsync();
        A.Replication.Acknowledged = 0;
        B.Store["key"] = Foreign("old", -10);
        A.Store["key"] = Foreign("expired", -1, new EntryExpiration(1, 0, default));
        Assert.Null(await GetAsync("key"));

        await FailAsync();
        await ReplicaServesAsync();

        Assert.Null(await GetAsync("key"));
    }

    [Fact]
    public async Task What_was_read_from_the_replica_is_still_read_when_that_is_gone_and_nothing_older()
    {
        await StartWithReplicaAsync();
        await SetAsync("changed", "copy");
        await SetAsync("removed", "copy");
        await SetAsync("expired", "copy");
        await SetAsync("large", "copy");
        await UntilProvenAsync();
        var large = new string('x', 70_000);
        B.Store["changed"] = Foreign("replica", 1);
        B.Store["removed"] = ForeignTombstone(1);
        B.Store["expired"] = Foreign("replica", 1, new EntryExpiration(1, 0, default));
        B.Store["large"] = Foreign(large, 1);
        await FailAsync();
        await ReplicaServesAsync();
        Assert.Equal(["replica", null, null, large], (await Cache.GetManyAsync(["changed", "removed", "expired", "large"], Token)).Select(Text));

        B.IsDown = true;
        B.Break();

        await World.UntilAsync(() => B.Connections.Count == 0);
        Assert.Equal(["replica", null, null, null], (await Cache.GetManyAsync(["changed", "removed", "expired", "large"], Token)).Select(Text));
    }

    [Fact]
    public async Task A_sliding_entry_that_the_replica_alone_still_had_lives_on_by_that_use()
    {
        await StartWithReplicaAsync();
        await SetAsync("key", "value", Sliding(20));
        B.Store["key"] = A.Store["key"];
        await UntilProvenAsync();
        await FailAsync();
        await ReplicaServesAsync();
        World.Time.Advance(TimeSpan.FromSeconds(22));
        Assert.Equal("value", await GetAsync("key"));

        B.IsDown = true;
        B.Break();
        await World.UntilAsync(() => B.Connections.Count == 0);

        var again = GetAsync("key");
        await World.UntilAsync(() => again.IsCompleted);
        Assert.Equal("value", await again);
        A.Store.Remove("key", out _);
        await ReturnAsync();
        await World.UntilAsync(() => On(A, "key") == "value");
    }

    [Fact]
    public async Task A_use_that_the_master_need_not_be_told_of_counts_in_an_outage()
    {
        await StartAsync();
        await SetAsync("key", "value", Sliding(20));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("value", await GetAsync("key"));
        Assert.DoesNotContain(A.Sent, static sent => sent.Command == "touch");
        await FailAsync();

        World.Time.Advance(TimeSpan.FromSeconds(19.5));

        Assert.Equal("value", await GetAsync("key"));
    }

    [Fact]
    public async Task What_this_process_wrote_goes_before_whatever_the_replica_says()
    {
        await StartWithReplicaAsync();
        A.Replication.Acknowledged = 0;
        await SetAsync("acknowledged", "ours");
        await FailAsync();
        await SetAsync("written", "ours");
        await Cache.RemoveAsync("removed", Token);
        foreach (var key in (string[])["acknowledged", "written", "removed"])
        {
            B.Store[key] = Foreign("replica", -10);
        }

        await ReplicaServesAsync();

        Assert.Equal(["ours", "ours", null], (await Cache.GetManyAsync(["acknowledged", "written", "removed"], Token)).Select(Text));
    }

    [Fact]
    public async Task A_replica_that_does_not_answer_costs_one_wait_and_the_copy_answers()
    {
        await StartWithReplicaAsync();
        await SetAsync("key", "copy");
        await UntilProvenAsync();
        await FailAsync();
        await ReplicaServesAsync();
        B.IsDown = true;
        B.AnswerEntry = _ => Fault(B, "TIMEOUT");
        var before = B.Sent.Count;

        Assert.Equal("copy", await GetAsync("key"));
        Assert.Equal("copy", await GetAsync("key"));

        Assert.Equal(before + 1, B.Sent.Count);
    }

    [Theory]
    [InlineData("master", "up", 0)]
    [InlineData("slave", "down", -1)]
    public async Task A_server_that_calls_itself_master_or_never_had_one_is_not_read(string role, string link, int downSeconds)
    {
        await StartWithReplicaAsync();
        B.Role = role;
        (B.Replication.Link, B.Replication.LinkDownSeconds) = (link, downSeconds);
        B.Store["key"] = Foreign("replica", -10);
        await FailAsync();

        await World.UntilAsync(() => B.Opened > 3);
        Assert.Null(await GetAsync("key"));
        Assert.Empty(B.Sent);
    }

    [Fact]
    public async Task A_replica_that_lagged_too_far_behind_is_not_read()
    {
        await StartWithReplicaAsync(static settings => settings with { MaxStaleness = TimeSpan.FromSeconds(2) });
        A.Replication.Acknowledged = 0;
        await SetAsync("other", "value");
        await World.PollAsync(A, times: 5);
        B.Store["key"] = Foreign("replica", -10);
        await FailAsync();

        await World.UntilAsync(() => B.Opened > 3);
        Assert.Null(await GetAsync("key"));
        Assert.Empty(B.Sent);
    }

    [Fact]
    public async Task A_replica_that_lagged_too_far_behind_is_not_read_however_near_another_one_is()
    {
        await StartWithReplicaAsync(static settings => settings with { MaxStaleness = TimeSpan.FromSeconds(2) });
        await LeaveBehindAsync();
        B.Store["key"] = Foreign("replica", -10);
        for (var i = 0; i < 6; i++)
        {
            await SetAsync("other", "value");
            await World.PollAsync(A);
        }

        await FailAsync();

        await World.UntilAsync(() => B.Opened > 3);
        Assert.Null(await GetAsync("key"));
        Assert.Empty(B.Sent);
    }

    [Fact]
    public async Task A_replica_whose_own_link_was_down_for_too_long_is_not_read_however_near_another_one_is()
    {
        (B.Replication.Link, B.Replication.LinkDownSeconds) = ("down", 3600);
        await StartWithReplicaAsync();
        B.Store["key"] = Foreign("old", -10);
        await World.PollAsync(A, 3);
        await FailAsync();
        var checks = B.Commands.Count;
        await World.UntilAsync(() => B.Commands.Count > checks + 6);

        Assert.Null(await GetAsync("key"));
    }

    [Fact]
    public async Task A_copy_older_than_the_staleness_allowed_is_not_served()
    {
        await StartAsync(change: static settings => settings with { MaxStaleness = TimeSpan.FromSeconds(60) });
        await SetAsync("unseen", "value");
        await SetAsync("read", "value");
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal("value", await GetAsync("read"));
        await FailAsync();

        World.Time.Advance(TimeSpan.FromSeconds(20));

        Assert.Equal((null, "value"), (await GetAsync("unseen"), await GetAsync("read")));
        World.Time.Advance(TimeSpan.FromSeconds(60));
        Assert.Null(await GetAsync("read"));
    }

    [Fact]
    public async Task A_replica_that_answers_nonsense_is_left_and_harms_nothing()
    {
        B.Answer = static command => command == "TIME"
            ? new(ControlReplyKind.Array) { Items = [ControlReply.FromText("x"), ControlReply.FromText("y")] }
            : null;
        await StartWithReplicaAsync();
        B.Store["key"] = Foreign("replica", -10);
        await FailAsync();
        await World.UntilAsync(() => World.Messages(306).Any());

        B.Answer = static _ => null;

        await ReplicaServesAsync();
        Assert.Equal("replica", await GetAsync("key"));
        await ReturnAsync();
        await Cache.DisposeAsync();
    }

    [Fact]
    public async Task What_was_read_of_a_replica_far_behind_is_as_old_as_that_and_not_brought_to_where_somebody_may_have_removed_it()
    {
        await StartWithReplicaAsync();
        await LeaveBehindAsync();
        B.Store["key"] = Foreign("removed", -60);
        await SetAsync("other", "value");
        await World.PollAsync(A, times: 30);
        await FailAsync();
        await ReplicaServesAsync();
        Assert.Equal("removed", await GetAsync("key"));
        B.Store.TryRemove("key", out _);
        World.Time.Advance(TimeSpan.FromSeconds(95));

        await PromoteAsync();

        await World.UntilAsync(() => B.Sent.Any(static sent => sent is { Command: "replay", Key: "key" }));
        Assert.NotEqual("removed", On(B, "key"));
    }

    [Fact]
    public async Task What_was_read_of_a_replica_is_too_large_and_was_removed_with_its_group_is_not_read_of_the_master_that_does_not_write_yet()
    {
        await StartWithReplicaAsync(static settings => settings with { LocalTierMaxEntrySize = 3 });
        B.Store["{g}:key"] = Foreign("value", -10);
        await FailAsync();
        await ReplicaServesAsync();
        Assert.Equal("value", await GetAsync("{g}:key"));
        await Cache.CreateKeyGroup("g").RemoveAllAsync(Token);
        B.AnswerEntry = static command => command is "replay" or "group-remove-all" ? Reply.FromError("MISCONF Redis is configured to save RDB snapshots") : null;

        await PromoteAsync();

        Assert.Null(await GetAsync("{g}:key"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_read_of_a_replica_and_is_too_large_to_be_kept_is_read_of_the_master_that_does_not_write_yet(bool isOlder)
    {
        await StartWithReplicaAsync(static settings => settings with { LocalTierMaxEntrySize = 3 });
        B.Store["key"] = Foreign("value", -10);
        await FailAsync();
        await ReplicaServesAsync();
        Assert.Equal("value", await GetAsync("key"));
        B.AnswerEntry = static command => command == "replay" ? Reply.FromError("MISCONF Redis is configured to save RDB snapshots") : null;
        if (isOlder)
        {
            B.Store["key"] = Foreign("older", -60);
        }

        await PromoteAsync();

        Assert.Equal(isOlder ? null : "value", await GetAsync("key"));
        Assert.Equal(isOlder ? null : "value", Text((await Cache.GetManyAsync(["key"], Token))[0]));
    }

    /// <summary>From now on it stands still, and what the master says of its replicas is what another one has.</summary>
    private async Task LeaveBehindAsync()
    {
        await World.UntilAsync(() => B.Commands.Any(static command => command.StartsWith("INFO", StringComparison.Ordinal)));
        B.Replication.Master = null;
    }
}
