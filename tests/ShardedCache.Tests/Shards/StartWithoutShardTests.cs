using ShardedCache.Connections;
using ShardedCache.Sentinels;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>The process starts while nothing can be reached.</summary>
public sealed class StartWithoutShardTests : Outage
{
    private IPageStore Pages => ((IPageCache)Cache).Pages;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_works_from_its_memory_and_delivers_everything_when_the_shard_comes(bool areSentinelsThere)
    {
        if (areSentinelsThere)
        {
            A.IsDown = true;
            World.Masters.Say(ShardWorld.Shard, A.Address);
        }
        else
        {
            World.Masters.Say(ShardWorld.Shard, new MasterFault(MasterFaultKind.AllUnreachable, "nobody answers"));
        }

        World.Start(mode: FailoverMode.LocalTier);
        await World.UntilAsync(ShardState.FailingOver);

        await SetAsync("key", "first");
        await SetAsync("key", "second");
        await SetAsync("removed", "value");
        await Cache.RemoveAsync("removed", Token);
        Assert.Equal(("second", null, null), (await GetAsync("key"), await GetAsync("removed"), await GetAsync("unknown")));

        A.IsDown = false;
        World.Masters.Say(ShardWorld.Shard, A.Address);
        await World.UntilAsync(ShardState.Up);
        Assert.Equal(("second", "tombstone"), (On(A, "key"), On(A, "removed")));
        Assert.Equal("second", await GetAsync("key"));
    }

    [Fact]
    public async Task Before_the_Sentinels_have_answered_callers_wait_one_time_out_at_most()
    {
        World.Start(mode: FailoverMode.LocalTier);
        var set = SetAsync("key", "value");
        var get = GetAsync("other");
        Assert.False(set.IsCompleted || get.IsCompleted);

        World.Time.Advance(TimeSpan.FromSeconds(1));

        await set.WaitAsync(TimeSpan.FromSeconds(10), Token);
        Assert.Null(await get.WaitAsync(TimeSpan.FromSeconds(10), Token));
        Assert.Equal("value", await GetAsync("key").WaitAsync(TimeSpan.FromSeconds(10), Token));
    }

    [Theory]
    [InlineData("set")]
    [InlineData("set without memory")]
    [InlineData("set many")]
    [InlineData("remove")]
    [InlineData("refresh")]
    [InlineData("set group")]
    [InlineData("set page")]
    [InlineData("get page")]
    [InlineData("evict tag")]
    [InlineData("get")]
    [InlineData("get many")]
    public async Task What_has_waited_for_the_Sentinels_gives_a_server_that_falls_silent_then_only_the_rest_of_its_time(string operation)
    {
        var isFull = operation == "set without memory";
        A.Hangs = command => (command is "set" && !isFull) || command is "evict" or "get" or "refresh" or "group-write" or "page-set" or "tag-evict";
        A.AnswerEntry = command => command == "set" && isFull ? Reply.FromError("OOM command not allowed") : null;
        World.Start(mode: FailoverMode.LocalTier);
        var task = operation switch
        {
            "set" or "set without memory" => SetAsync("key", "value"),
            "set many" => Cache.SetManyAsync([new("key", "value"u8.ToArray())], new(), Token),
            "remove" => Cache.RemoveAsync("key", Token),
            "refresh" => Cache.RefreshAsync("key", Token),
            "set group" => Cache.CreateKeyGroup("group").SetAsync([new("{group}:key", "value"u8.ToArray())], new(), Token),
            "set page" => Pages.SetAsync("page", new("value"u8.ToArray()), ["tag"], TimeSpan.FromMinutes(1), Token).AsTask(),
            "get page" => Pages.GetAsync("page", Token).AsTask(),
            "evict tag" => Pages.EvictAsync("tag", Token),
            "get" => Cache.GetAsync("key", Token),
            _ => Cache.GetManyAsync(["key"], Token),
        };
        World.Time.Advance(TimeSpan.FromMilliseconds(700));
        World.Masters.Say(ShardWorld.Shard, A.Address);
        await World.UntilNowAsync(() => World.Now.State == ShardState.Up && A.Sent.Count == (isFull ? 2 : 1));
        Assert.False(task.IsCompleted);

        World.Time.Advance(TimeSpan.FromMilliseconds(300));

        await task.WaitAsync(TimeSpan.FromSeconds(10), Token);
        A.Hangs = static _ => false;
        A.AnswerEntry = static _ => null;
        if (operation is "set" or "set many" or "set group")
        {
            var key = operation == "set group" ? "{group}:key" : "key";
            Assert.Equal("value", await GetAsync(key));
            await World.UntilAsync(() => On(A, key) == "value");
        }
        else if (operation == "refresh")
        {
            await World.UntilAsync(() => A.Sent.Count(static sent => sent.Command == "refresh") > 1);
        }
    }

    [Fact]
    public async Task A_short_wait_for_the_Sentinels_counts_in_a_long_time_out_too()
    {
        A.Hangs = static command => command == "set";
        World.Start(mode: FailoverMode.LocalTier, change: static settings =>
            settings with { ShardConnection = settings.ShardConnection with { OperationTimeout = TimeSpan.FromSeconds(20) } });
        var set = SetAsync("key", "value");
        World.Time.Advance(TimeSpan.FromMilliseconds(250));
        World.Masters.Say(ShardWorld.Shard, A.Address);
        await World.UntilNowAsync(() => World.Now.State == ShardState.Up && !A.Sent.IsEmpty);

        World.Time.Advance(TimeSpan.FromMilliseconds(19_750));

        await set.WaitAsync(TimeSpan.FromSeconds(10), Token);
    }

    [Fact]
    public async Task A_group_that_has_waited_and_then_got_no_answer_is_invalidated_where_nothing_is_journaled()
    {
        A.Hangs = static command => command == "group-write";
        A.Store["{group}:key"] = Foreign("older", -60);
        World.Start(mode: FailoverMode.Bypass);
        var set = Cache.CreateKeyGroup("group").SetAsync([new("{group}:key", "value"u8.ToArray())], new(), Token);
        World.Time.Advance(TimeSpan.FromMilliseconds(700));
        World.Masters.Say(ShardWorld.Shard, A.Address);
        await World.UntilNowAsync(() => World.Now.State == ShardState.Up && !A.Sent.IsEmpty);
        World.Time.Advance(TimeSpan.FromMilliseconds(300));
        await set.WaitAsync(TimeSpan.FromSeconds(10), Token);

        A.Hangs = static _ => false;

        await World.UntilAsync(() => On(A, "{group}:key") == "tombstone");
    }

    [Fact]
    public async Task What_is_written_in_the_moment_in_which_the_shard_s_time_becomes_known_has_stamp_and_expiration_by_one_clock()
    {
        A.IsDown = true;
        A.ClockLead = TimeSpan.FromHours(1);
        World.Masters.Say(ShardWorld.Shard, A.Address);
        World.Start(mode: FailoverMode.LocalTier);
        await World.UntilAsync(ShardState.FailingOver);
        using var up = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 8).Select(writer => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; !up.IsCancellationRequested; i++)
                {
                    Cache.Set($"{writer}-{i % 100}", [1], For(300));
                }
            },
            Token,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToArray();
        await ReturnAsync();
        await up.CancelAsync();
        await Task.WhenAll(writers);

        foreach (var key in Enumerable.Range(0, 800).Select(i => $"{i / 100}-{i % 100}").Where(key => On(A, key) is not null))
        {
            var header = HeaderOn(A, key);
            Assert.InRange(header.AbsoluteMilliseconds - (header.Stamp.UnixMicroseconds / 1000), 299_000, 301_000);
        }
    }

    [Fact]
    public async Task What_was_read_from_a_replica_of_unknown_lag_and_then_brought_to_the_master_is_read_when_both_are_gone()
    {
        A.IsDown = true;
        B.Role = "slave";
        A.Replication.Replicas = 1;
        B.Store["key"] = Foreign("value", -10);
        World.Masters.Say(ShardWorld.Shard, A.Address, [B.Address]);
        World.Start(mode: FailoverMode.LocalTier, change: static settings =>
            settings with { Sentinels = [new ServerAddress("10.2.0.1", 26379)] });
        await ReplicaServesAsync();
        Assert.Equal("value", await GetAsync("key"));
        await ReturnAsync();
        await UntilProvenAsync();
        Assert.Equal("value", On(A, "key"));

        B.IsDown = true;
        B.Break();
        await FailAsync();

        Assert.Equal("value", await GetAsync("key"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task What_was_written_by_a_wrong_local_clock_has_its_time_and_its_order_by_the_shard_s(int direction)
    {
        A.IsDown = true;
        A.ClockLead = direction * TimeSpan.FromHours(1);
        World.Masters.Say(ShardWorld.Shard, A.Address);
        World.Start(mode: FailoverMode.LocalTier);
        await World.UntilAsync(ShardState.FailingOver);
        await SetAsync("first", "value", For(300));
        await SetAsync("second", "value", Sliding(300));
        await ReturnAsync();

        var shardNow = (World.Time.GetUtcNow() + A.ClockLead).ToUnixTimeMilliseconds();
        Assert.InRange(HeaderOn(A, "first").AbsoluteMilliseconds - shardNow, 290_000, 300_000);
        Assert.InRange((HeaderOn(A, "first").Stamp.UnixMicroseconds / 1000) - shardNow, -10_000, 0);
        Assert.True(HeaderOn(A, "second").Stamp > HeaderOn(A, "first").Stamp);
        await SetAsync("first", "later", For(300));
        Assert.True(HeaderOn(A, "first").Stamp > HeaderOn(A, "second").Stamp);

        World.Time.Advance(TimeSpan.FromSeconds(250));
        Assert.Equal("later", await GetAsync("first"));
        World.Time.Advance(TimeSpan.FromSeconds(100));
        Assert.Null(await GetAsync("first"));
    }
}
