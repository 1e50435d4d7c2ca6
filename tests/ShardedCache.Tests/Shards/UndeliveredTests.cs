using System.Buffers;
using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>Writes that were abandoned by their callers, or have not reached a master yet.</summary>
public sealed class UndeliveredTests : Outage
{
    [Fact]
    public async Task A_write_that_was_cancelled_is_read_back_and_brought_to_the_server_because_it_may_have_it_or_not()
    {
        await StartAsync();
        await SetAsync("set", "old");
        await SetAsync("removed", "old");
        await UntilProvenAsync();
        await CancelledAsync(token => Cache.SetAsync("set", "new"u8.ToArray(), new(), token));
        await CancelledAsync(token => Cache.RemoveAsync("removed", token));
        await CancelledAsync(token => Cache.SetManyAsync([new("many", "new"u8.ToArray())], new(), token));

        Assert.Equal(["new", null, "new"], (await Cache.GetManyAsync(["set", "removed", "many"], Token)).Select(Text));
        await UntilProvenAsync();
        Assert.Equal(("new", "tombstone", "new"), (On(A, "set"), On(A, "removed"), On(A, "many")));
    }

    [Fact]
    public async Task Bypassed_a_write_that_was_cancelled_becomes_an_invalidation()
    {
        await StartAsync(FailoverMode.Bypass);
        await SetAsync("key", "old");
        await CancelledAsync(token => Cache.SetAsync("key", "new"u8.ToArray(), new(), token));

        Assert.Null(await GetAsync("key"));
        await UntilProvenAsync();
        Assert.Equal("tombstone", On(A, "key"));
    }

    [Fact]
    public async Task A_write_that_was_cancelled_before_it_began_does_nothing()
    {
        await StartAsync();
        await FailAsync();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Cache.SetAsync("key", [1], new(), cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Cache.RemoveAsync("key", cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Cache.GetAsync("key", cancelled.Token));

        Assert.Equal(0, Cache.JournalBytes);
    }

    [Fact]
    public async Task At_the_end_the_log_says_how_many_writes_reached_no_master()
    {
        await StartAsync();
        await SetAsync("delivered", "value");
        await FailAsync();
        await SetAsync("a", "first");
        await SetAsync("a", "second");
        await SetAsync("b", "value");
        await Cache.RemoveAsync("c", Token);
        await Cache.RefreshAsync("d", Token);

        await Cache.DisposeAsync();

        Assert.StartsWith("Shard shard-0: 3 writes", Assert.Single(World.Messages(307)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task At_the_end_of_a_cache_that_has_delivered_everything_the_log_says_nothing()
    {
        await StartAsync();
        await FailAsync();
        await SetAsync("a", "value");
        await ReturnAsync();
        await SetAsync("b", "value");

        await Cache.DisposeAsync();

        Assert.Empty(World.Messages(307));
    }

    [Fact]
    public async Task A_host_that_stops_waits_until_everything_is_delivered_and_not_longer_than_it_may()
    {
        await StartAsync();
        await FailAsync();
        await SetAsync("a", "value");
        using var deadline = new CancellationTokenSource();
        var late = Cache.DrainAsync(deadline.Token);
        await Task.Delay(20, Token);
        Assert.False(late.IsCompleted);
        await deadline.CancelAsync();
        await late.WaitAsync(TimeSpan.FromSeconds(10), Token);

        var inTime = Cache.DrainAsync(Token);
        A.IsDown = false;
        await World.UntilAsync(() => inTime.IsCompleted);
        Assert.Equal("value", On(A, "a"));
    }

    [Fact]
    public async Task A_host_that_stops_waits_for_answers_to_what_was_sent()
    {
        await StartAsync();
        await FailAsync();
        await SetAsync("a", "value");
        var answer = new TaskCompletionSource<Reply>();
        A.AnswerLater = command => command == "replay" ? answer.Task : null;
        A.IsDown = false;
        await World.UntilAsync(() => A.Sent.Any(static sent => sent is { Command: "replay", Key: "a" }));

        var drain = Cache.DrainAsync(Token);
        for (var i = 0; i < 20; i++)
        {
            World.Time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Delay(2, Token);
        }

        Assert.False(drain.IsCompleted);
        A.AnswerLater = static _ => null;
        answer.SetResult(new Reply(ReplyKind.Ok, 1));
        await World.UntilAsync(() => drain.IsCompleted);
    }

    [Fact]
    public async Task A_host_that_stops_does_not_wait_long_for_uses_of_entries_alone()
    {
        await StartAsync();
        await FailAsync();
        await Cache.RefreshAsync("used", Token);
        var before = World.Time.GetUtcNow();

        var drain = Cache.DrainAsync(Token);
        await World.UntilAsync(() => drain.IsCompleted);

        Assert.InRange(World.Time.GetUtcNow() - before, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task What_was_only_read_in_an_outage_is_no_write_that_a_host_would_wait_for_or_that_the_log_would_miss()
    {
        await StartWithReplicaAsync();
        B.Store["read"] = Foreign("value", -10);
        B.Store["used"] = Foreign("value", -10, EntryExpiration.From(Sliding(600), default, 0));
        B.Store["removed"] = ForeignTombstone(-10);
        B.Store["written"] = Foreign("value", -10);
        await FailAsync();
        await ReplicaServesAsync();
        Assert.Equal(("value", "value", null, "value"), (await GetAsync("read"), await GetAsync("used"), await GetAsync("removed"), await GetAsync("written")));
        var before = World.Time.GetUtcNow();

        var drain = Cache.DrainAsync(Token);
        await World.UntilAsync(() => drain.IsCompleted);

        Assert.InRange(World.Time.GetUtcNow() - before, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(30));
        await SetAsync("written", "mine");
        await Cache.DisposeAsync();
        Assert.StartsWith("Shard shard-0: 1 writes", Assert.Single(World.Messages(307)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_read_that_was_cancelled_before_it_began_writes_nothing_into_its_caller_s_buffer()
    {
        await StartAsync();
        A.AnswerEntry = static command => command == "get" ? null : Reply.FromError("MISCONF Redis is configured to save RDB snapshots");
        await SetAsync("key", "value");
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        var buffer = new ArrayBufferWriter<byte>();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Cache.TryGetAsync("key", buffer, cancelled.Token).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Cache.GetAsync("key", cancelled.Token));

        Assert.Equal(0, buffer.WrittenCount);
    }

    [Fact]
    public async Task A_wrong_rule_is_loud_though_writes_are_pending_and_they_are_delivered_when_it_is_mended()
    {
        await StartAsync();
        await FailAsync();
        await SetAsync("key", "pending");
        var rule = A.Store["__shardedcache:rule"];
        A.Store["__shardedcache:rule"] = "version=1\ncurrent=another|shard-0\n"u8.ToArray();
        A.IsDown = false;
        await World.UntilAsync(ShardState.Misconfigured);

        await Assert.ThrowsAsync<ShardUnavailableException>(() => GetAsync("key"));
        await Assert.ThrowsAsync<ShardUnavailableException>(() => Cache.GetManyAsync(["key"], Token));
        await Assert.ThrowsAsync<ShardUnavailableException>(() => SetAsync("key", "refused"));
        Assert.Null(On(A, "key"));

        A.Store["__shardedcache:rule"] = rule;
        await World.UntilAsync(ShardState.Up);
        Assert.Equal("pending", await GetAsync("key"));
        Assert.Equal("pending", On(A, "key"));
    }

    private async Task CancelledAsync(Func<CancellationToken, Task> write)
    {
        using var cancellation = new CancellationTokenSource();
        A.Hangs = static command => command == "set";
        var pending = write(cancellation.Token);
        A.Hangs = static _ => false;
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending);
    }
}
