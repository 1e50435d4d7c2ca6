using ShardedCache.Connections;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>What a caller sees while the shard of its key is not up, in each mode.</summary>
public sealed class OutageModeTests : Outage
{
    [Fact]
    public async Task With_the_local_tier_every_operation_goes_on()
    {
        await StartAsync();
        await SetAsync("copied", "before");
        await SetAsync("removed", "before");
        await UntilProvenAsync();
        await FailAsync();

        await SetAsync("written", "during");
        await Cache.RemoveAsync("removed", Token);
        await Cache.RefreshAsync("copied", Token);

        Assert.Equal("before", await GetAsync("copied"));
        Assert.Equal("during", await GetAsync("written"));
        Assert.Null(await GetAsync("removed"));
        Assert.Null(await GetAsync("unknown"));
    }

    [Fact]
    public async Task With_the_local_tier_batches_go_on_too()
    {
        await StartAsync();
        await Cache.SetManyAsync([new("a", "1"u8.ToArray()), new("b", "2"u8.ToArray())], new(), Token);
        await UntilProvenAsync();
        await FailAsync();

        await Cache.SetManyAsync([new("b", "3"u8.ToArray()), new("c", "4"u8.ToArray())], new(), Token);
        await Cache.RemoveManyAsync(["a"], Token);

        Assert.Equal([null, "3", "4", null], (await Cache.GetManyAsync(["a", "b", "c", "unknown"], Token)).Select(Text));
        await ReturnAsync();
        Assert.Equal(("tombstone", "3", "4"), (On(A, "a"), On(A, "b"), On(A, "c")));
    }

    [Theory]
    [InlineData("get")]
    [InlineData("set")]
    [InlineData("remove")]
    [InlineData("refresh")]
    public async Task A_caller_that_never_has_to_wait_gives_way_to_others_now_and_then(string operation)
    {
        await StartAsync();
        await FailAsync();
        Task Run() => operation switch
        {
            "get" => Cache.GetAsync("key", Token),
            "set" => Cache.SetAsync("key", [1], new(), Token),
            "remove" => Cache.RemoveAsync("key", Token),
            _ => Cache.RefreshAsync("key", Token),
        };

        var atOnce = 0;
        for (var i = 0; i < 640; i++)
        {
            var running = Run();
            atOnce += running.IsCompleted ? 1 : 0;
            await running;
        }

        Assert.InRange(atOnce, 600, 639);
    }

    [Fact]
    public async Task With_the_local_tier_blocked_callers_go_on_too()
    {
        await StartAsync();
        await FailAsync();

        Cache.Set("key", [1], new());
        Assert.Equal([1], Cache.Get("key"));
        Cache.Refresh("key");
        Cache.Remove("key");
        Assert.Null(Cache.Get("key"));
    }

    [Fact]
    public async Task What_is_written_into_the_callers_buffer_is_a_copy_that_the_caller_may_recycle()
    {
        await StartAsync();
        await FailAsync();
        var payload = "first"u8.ToArray();
        await Cache.SetAsync("key", payload, new(), Token);

        payload.AsSpan().Fill((byte)'x');

        Assert.Equal("first", await GetAsync("key"));
    }

    [Fact]
    public async Task With_the_local_tier_an_expiration_comes_during_an_outage_too()
    {
        await StartAsync();
        await SetAsync("copied", "value", For(5));
        await UntilProvenAsync();
        await FailAsync();
        await SetAsync("written", "value", For(5));
        await SetAsync("sliding", "value", Sliding(5));

        World.Time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(("value", "value", "value"), (await GetAsync("copied"), await GetAsync("written"), await GetAsync("sliding")));
        World.Time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal((null, null, "value"), (await GetAsync("copied"), await GetAsync("written"), await GetAsync("sliding")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_journal_stays_within_its_bound_however_long_an_outage_is(bool isReadOnly)
    {
        const int Limit = 100_000;
        await StartAsync(change: static settings => settings with { JournalSizeLimit = Limit, LocalTierSizeLimit = 100 * Limit });
        var value = new string('x', 500);
        for (var i = 0; i < 1000; i++)
        {
            await SetAsync($"key-{i}", value, Sliding(3600));
            if (i % 50 == 0)
            {
                await UntilProvenAsync();
            }
        }

        await UntilProvenAsync();
        await FailAsync();
        for (var i = 0; i < 1000; i++)
        {
            if (isReadOnly)
            {
                await GetAsync($"key-{i}");
            }
            else
            {
                await SetAsync($"key-{i}", value + value);
            }

            Assert.InRange(Cache.JournalBytes, 1, Limit);
        }
    }

    [Fact]
    public async Task Bypassed_reads_miss_and_writes_succeed_and_invalidate_their_keys_when_the_shard_returns()
    {
        await StartAsync(FailoverMode.Bypass);
        await Cache.SetManyAsync([.. "abcde".Select(static key => KeyValuePair.Create($"{key}", "old"u8.ToArray()))], new(), Token);
        await FailAsync();

        await SetAsync("a", "new");
        await Cache.RemoveAsync("b", Token);
        await Cache.SetManyAsync([new("c", "new"u8.ToArray())], new(), Token);
        await Cache.RemoveManyAsync(["d"], Token);
        await Cache.RefreshAsync("e", Token);
        Assert.All(await Cache.GetManyAsync(["a", "b", "c", "d", "e"], Token), Assert.Null);
        Assert.Null(await GetAsync("e"));

        await ReturnAsync();
        Assert.Equal([null, null, null, null, "old"], (await Cache.GetManyAsync(["a", "b", "c", "d", "e"], Token)).Select(Text));
        Assert.All(["a", "b", "c", "d"], key => Assert.Equal("tombstone", On(A, key)));
        await UntilProvenAsync();
    }

    [Theory]
    [InlineData("key")]
    [InlineData("{group}:key")]
    public async Task A_bypassed_write_that_fails_late_does_not_undo_a_later_one(string key)
    {
        await StartAsync(FailoverMode.Bypass);
        var late = new TaskCompletionSource<Reply>();
        A.AnswerLater = _ => late.Task;
        var first = key == "key" ? SetAsync(key, "first") : Cache.CreateKeyGroup("group").SetAsync([new(key, "first"u8.ToArray())], new(), Token);
        World.Time.Advance(TimeSpan.FromMilliseconds(1));
        A.Store[key] = Foreign("between");
        World.Time.Advance(TimeSpan.FromMilliseconds(1));
        await FailAsync();
        A.AnswerLater = static _ => null;
        await Cache.RemoveAsync(key, Token);

        late.SetResult(Reply.ConnectionLost);
        await first;
        await ReturnAsync();

        Assert.Null(await GetAsync(key));
        Assert.Equal("tombstone", On(A, key));
    }

    [Fact]
    public async Task A_key_that_is_written_again_after_a_bypassed_write_keeps_what_it_then_gets()
    {
        await StartAsync(FailoverMode.Bypass);
        await FailAsync();
        await SetAsync("key", "bypassed");

        await ReturnAsync();
        await SetAsync("key", "after");
        await UntilProvenAsync();

        Assert.Equal("after", await GetAsync("key"));
    }

    [Fact]
    public async Task To_throw_is_to_throw_at_once_whatever_the_operation()
    {
        await StartAsync(FailoverMode.Throw);
        await SetAsync("key", "value");
        await FailAsync();

        await EveryOperationThrowsAsync();

        await ReturnAsync();
        Assert.Equal("value", await GetAsync("key"));
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier)]
    [InlineData(FailoverMode.Bypass)]
    [InlineData(FailoverMode.Throw)]
    public async Task A_wrong_sharding_rule_throws_in_every_mode(FailoverMode mode)
    {
        await StartAsync(mode);
        await SetAsync("key", "value");
        A.Store["__shardedcache:rule"] = "version=1\ncurrent=another|shard-0\n"u8.ToArray();
        await World.UntilAsync(ShardState.Misconfigured);

        await EveryOperationThrowsAsync();
        Assert.Equal("value", On(A, "key"));
    }

    private async Task EveryOperationThrowsAsync()
    {
        await Assert.ThrowsAsync<ShardUnavailableException>(() => GetAsync("key"));
        await Assert.ThrowsAsync<ShardUnavailableException>(() => SetAsync("key", "new"));
        await Assert.ThrowsAsync<ShardUnavailableException>(() => Cache.RemoveAsync("key", Token));
        await Assert.ThrowsAsync<ShardUnavailableException>(() => Cache.RefreshAsync("key", Token));
        await Assert.ThrowsAsync<ShardUnavailableException>(() => Cache.GetManyAsync(["key"], Token));
        await Assert.ThrowsAsync<ShardUnavailableException>(() => Cache.SetManyAsync([new("key", [1])], new(), Token));
        await Assert.ThrowsAsync<ShardUnavailableException>(() => Cache.RemoveManyAsync(["key"], Token));
        await Assert.ThrowsAsync<ShardUnavailableException>(() => Cache.CreateKeyGroup("g").SetAsync([new("{g}:key", [1])], new(), Token));
        Assert.Throws<ShardUnavailableException>(() => Cache.Get("key"));
    }
}
