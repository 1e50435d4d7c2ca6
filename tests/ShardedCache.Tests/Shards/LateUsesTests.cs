using ShardedCache.Connections;

namespace ShardedCache.Tests.Shards;

/// <summary>A use of a sliding entry that its server gets when the entry is over there.</summary>
public sealed class LateUsesTests : Outage
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_entry_that_expired_on_its_server_before_the_use_of_it_came_there_is_read_and_brought_back(bool isAnsweredFirst)
    {
        var touch = await UseWithoutAnswerAsync("key");
        Expire("key");

        if (isAnsweredFirst)
        {
            touch.SetResult(Reply.Ok);
            await World.UntilAsync(() => On(A, "key") == "value");
        }

        Assert.Equal(["value", "value"], [await GetAsync("key"), Text((await Cache.GetManyAsync(["key"], Token))[0])]);
        touch.TrySetResult(Reply.Ok);
        await World.UntilAsync(() => On(A, "key") == "value");
        await UntilProvenAsync();
        Assert.Equal("value", await GetAsync("key"));
        Assert.Contains(A.Sent, static sent => sent is { Command: "replay", Key: "key" });
    }

    [Fact]
    public async Task Without_Sentinels_a_use_that_its_server_did_not_get_is_told_when_it_is_connected_again()
    {
        const string key = "{tag}:key";
        await StartAsync();
        await SetAsync(key, "value", Sliding(60));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(30));
        (A.IsStopped, A.Hangs) = (true, static command => command == "touch");
        Assert.Equal("value", await GetAsync(key));
        await World.UntilAsync(() => A.Unanswered > 0);
        await World.PassAsync(0.3);

        A.Break(ConnectionFaultKind.Silent);
        (A.IsStopped, A.Hangs) = (false, static _ => false);

        await World.UntilAsync(() => A.Sent.Any(static sent => sent is { Connection: > 1, Key: key }));
    }

    [Fact]
    public async Task An_entry_is_not_lost_where_its_process_stood_still_between_reading_it_and_telling_of_that()
    {
        await StartAsync();
        await SetAsync("key", "value", Sliding(60));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(50));
        A.GetLater = () =>
        {
            A.GetLater = static () => null;
            Expire("key");
            return null;
        };

        Assert.Equal(["value", "value"], [await GetAsync("key"), await GetAsync("key")]);
        await World.UntilAsync(() => On(A, "key") == "value");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_another_instance_has_done_since_is_not_hidden_by_a_use_that_came_late(bool isRemoved)
    {
        var touch = await UseWithoutAnswerAsync("key");
        Expire("key");
        A.Store["key"] = isRemoved ? ForeignTombstone() : Foreign("theirs");

        touch.SetResult(Reply.Ok);

        Assert.Equal(isRemoved ? null : "theirs", await GetAsync("key"));
        await UntilProvenAsync();
        Assert.Equal(isRemoved ? "tombstone" : "theirs", On(A, "key"));
        Assert.Equal(isRemoved ? null : "theirs", await GetAsync("key"));
    }

    [Fact]
    public async Task What_its_server_lost_before_the_end_is_gone_although_a_use_of_it_is_not_answered()
    {
        var touch = await UseWithoutAnswerAsync("key");
        A.Store.TryRemove("key", out _);

        Assert.Null(await GetAsync("key"));
        touch.SetResult(Reply.Ok);
        await StaysGoneAsync("key");
    }

    [Fact]
    public async Task What_its_server_lost_before_the_end_is_gone_where_the_use_of_it_is_told_so()
    {
        var touch = await UseWithoutAnswerAsync("key");
        A.Store.TryRemove("key", out _);
        touch.SetResult(Reply.Ok);
        World.Time.Advance(TimeSpan.FromSeconds(20));

        await StaysGoneAsync("key");
    }

    [Theory]
    [InlineData("read")]
    [InlineData("refreshed")]
    [InlineData("replayed")]
    [InlineData("read and replayed")]
    public async Task What_its_server_lost_after_it_was_told_of_the_use_is_gone(string use)
    {
        await StartAsync();
        await SetAsync("key", "value", Sliding(60));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(50));
        if (use.StartsWith("read", StringComparison.Ordinal))
        {
            Assert.Equal("value", await GetAsync("key"));
        }

        if (use == "refreshed")
        {
            await Cache.RefreshAsync("key", Token);
        }
        else if (use.EndsWith("replayed", StringComparison.Ordinal))
        {
            await FailAsync();
            Assert.Equal("value", await GetAsync("key"));
            await ReturnAsync();
        }

        await UntilProvenAsync();
        Expire("key");

        await StaysGoneAsync("key");
    }

    [Fact]
    public async Task Until_when_a_server_keeps_what_others_use_nobody_knows_here()
    {
        await StartAsync();
        await SetAsync("key", "value", Sliding(60));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(70));
        var touch = HoldTouch();
        Assert.Equal("value", await GetAsync("key"));

        A.Store.TryRemove("key", out _);
        touch.SetResult(Reply.Ok);

        await StaysGoneAsync("key");
    }

    [Fact]
    public async Task A_late_use_does_not_bring_back_what_may_have_been_removed_with_its_whole_group()
    {
        var touch = await UseWithoutAnswerAsync("{group}:key");
        Expire("{group}:key");

        Assert.Null(await GetAsync("{group}:key"));

        touch.SetResult(Reply.Ok);
        await StaysGoneAsync("{group}:key");
    }

    [Fact]
    public async Task A_use_of_a_value_that_is_not_kept_here_is_late_and_the_value_gone()
    {
        var touch = await UseWithoutAnswerAsync("key", static settings => settings with { LocalTierMaxEntrySize = 3 });
        Expire("key");

        Assert.Null(await GetAsync("key"));

        touch.SetResult(Reply.Ok);
        await StaysGoneAsync("key");
    }

    [Theory]
    [InlineData("MISCONF Redis is configured to save RDB snapshots")]
    [InlineData("OOM command not allowed when used memory > 'maxmemory'.")]
    public async Task What_was_refreshed_while_its_server_does_not_write_is_read_when_that_has_let_it_expire(string fault)
    {
        await StartAsync();
        await SetAsync("key", "value", Sliding(60));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(50));
        A.AnswerEntry = command => command is "get" ? null : Reply.FromError(fault);
        await Cache.RefreshAsync("key", Token);
        Expire("key");

        Assert.Equal("value", await GetAsync("key"));

        A.AnswerEntry = static _ => null;
        await World.UntilAsync(() => On(A, "key") == "value");
        await UntilProvenAsync();
        Assert.Equal("value", await GetAsync("key"));
    }

    /// <summary>A use ten seconds before the end, which is on its way.</summary>
    private async Task<TaskCompletionSource<Reply>> UseWithoutAnswerAsync(string key, Func<CacheSettings, CacheSettings>? change = null)
    {
        await StartAsync(change: change);
        await SetAsync(key, "value", Sliding(60));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(50));
        var touch = HoldTouch();
        Assert.Equal("value", await GetAsync(key));
        A.AnswerLater = static _ => null;
        return touch;
    }

    private TaskCompletionSource<Reply> HoldTouch()
    {
        // Its answer is heard before time goes on.
        var touch = new TaskCompletionSource<Reply>();
        A.AnswerLater = command => command == "touch" ? touch.Task : null;
        return touch;
    }

    /// <summary>The life is over that the server was told before the use.</summary>
    private void Expire(string key)
    {
        World.Time.Advance(TimeSpan.FromSeconds(20));
        A.Store.TryRemove(key, out _);
    }

    private async Task StaysGoneAsync(string key)
    {
        await World.PollAsync(A);
        Assert.Null(await GetAsync(key));
        await UntilProvenAsync();
        Assert.Null(On(A, key));
        Assert.Null(await GetAsync(key));
    }
}
