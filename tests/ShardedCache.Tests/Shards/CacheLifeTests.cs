using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Connections;
using ShardedCache.Sentinels;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>What callers see at the beginning, at the end, and where a connection ends in between.</summary>
public sealed class CacheLifeTests : IAsyncDisposable
{
    private readonly ShardWorld _world = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Callers_wait_for_the_first_connection()
    {
        _world.Start();
        var first = _world.Cache.GetAsync("key", Token);
        Assert.False(first.IsCompleted);

        _world.Masters.Say(ShardWorld.Shard, _world.A.Address);

        Assert.Null(await first);
    }

    [Fact]
    public async Task At_start_up_one_time_out_is_waited_and_later_callers_are_answered_at_once()
    {
        _world.Start();
        var first = _world.Cache.GetAsync("key", Token);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<ShardUnavailableException>(() => first);

        await Assert.ThrowsAsync<ShardUnavailableException>(() => _world.Cache.GetAsync("key", Token).WaitAsync(TimeSpan.FromSeconds(10), Token));
    }

    [Fact]
    public void A_blocked_caller_waits_one_time_out_at_start_up_too()
    {
        _world.Start();
        Assert.Throws<ShardUnavailableException>(() => _world.Cache.Get("key"));
        var started = TimeProvider.System.GetTimestamp();

        for (var i = 0; i < 10; i++)
        {
            Assert.Throws<ShardUnavailableException>(() => _world.Cache.Get("key"));
        }

        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task An_entry_set_while_the_first_connection_is_awaited_expires_by_the_clock_of_its_shard()
    {
        _world.A.ClockLead = TimeSpan.FromHours(1);
        _world.Start();
        var set = _world.Cache.SetAsync("key", [1], new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(5) }, Token);
        _world.Masters.Say(ShardWorld.Shard, _world.A.Address);
        await set;

        Assert.NotNull(await _world.Cache.GetAsync("key", Token));
        _world.Time.Advance(TimeSpan.FromMinutes(6));
        await _world.UntilAsync(ShardState.Up);
        Assert.Null(await _world.Cache.GetAsync("key", Token));
    }

    [Fact]
    public async Task A_batch_whose_expiration_comes_while_it_waits_is_stored_as_expired_and_not_half()
    {
        _world.Start();
        var set = _world.Cache.SetManyAsync(
            [new("key", [1])], new DistributedCacheEntryOptions { AbsoluteExpiration = _world.Time.GetUtcNow().AddMilliseconds(10) }, Token);
        _world.Time.Advance(TimeSpan.FromMilliseconds(50));
        _world.Masters.Say(ShardWorld.Shard, _world.A.Address);

        await set;

        Assert.Null(await _world.Cache.GetAsync("key", Token));
    }

    [Fact]
    public async Task Disposed_at_start_up_it_releases_who_waits_and_leaves_no_connection()
    {
        _world.A.IsSilent = true;
        _world.Masters.Say(ShardWorld.Shard, _world.A.Address);
        _world.Start();
        var waiting = _world.Cache.GetAsync("key", Token);
        await _world.UntilNowAsync(() => _world.Attempts == 1);

        await _world.Cache.DisposeAsync();
        await _world.Cache.DisposeAsync();

        await Assert.ThrowsAsync<ShardUnavailableException>(() => waiting);
        Assert.Empty(_world.A.Connections);
    }

    [Fact]
    public async Task Disposed_during_a_failover_it_ends_its_attempts()
    {
        await _world.StartUpAsync();
        _world.A.IsDown = true;
        _world.A.Break();
        await _world.UntilAsync(ShardState.FailingOver);

        await _world.Cache.DisposeAsync();

        var attempts = _world.Attempts;
        _world.Time.Advance(TimeSpan.FromSeconds(10));
        await Task.Delay(20, Token);
        Assert.Equal(attempts, _world.Attempts);
    }

    [Fact]
    public async Task After_its_end_every_operation_says_so()
    {
        await _world.StartUpAsync();
        await _world.Cache.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => _world.Cache.GetAsync("key", Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _world.Cache.GetManyAsync(["key"], Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _world.Cache.SetManyAsync([new("key", [1])], new(), Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _world.Cache.RemoveManyAsync(["key"], Token));
        Assert.Empty(_world.A.Connections);
        Assert.Empty(_world.Messages(301));
    }

    [Fact]
    public async Task A_wrong_name_at_the_Sentinels_is_told_to_the_caller()
    {
        _world.Masters.Say(ShardWorld.Shard, new MasterFault(MasterFaultKind.NameUnknown, "No Sentinel monitors it. Correct shards=."));
        _world.Start();

        var exception = await Assert.ThrowsAsync<ShardUnavailableException>(() => _world.Cache.GetAsync("key", Token));

        Assert.Contains("Correct shards=", exception.Reason, StringComparison.Ordinal);
        Assert.Equal(ShardState.Misconfigured, _world.Now.State);
    }

    [Fact]
    public async Task A_reply_that_came_in_part_before_its_time_out_is_no_miss()
    {
        await _world.StartUpAsync();
        _world.A.Store["key"] = [0xC1];
        _world.A.AnswerEntry = static _ => Reply.TimedOut;

        await Assert.ThrowsAsync<ShardUnavailableException>(() => _world.Cache.GetAsync("key", Token));
    }

    [Fact]
    public async Task A_server_that_repeats_the_key_in_its_error_does_not_bring_it_into_ours()
    {
        await _world.StartUpAsync();
        _world.A.AnswerEntry = static _ => Reply.FromError("ERR unknown command 'SET', with args beginning with: 'secret-key' 'secret-value' ");

        var exception = await Assert.ThrowsAsync<ShardUnavailableException>(() => _world.Cache.SetAsync("secret-key", [1], new(), Token));

        Assert.Contains("unknown command 'SET'", exception.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_touch_that_a_broken_connection_has_taken_is_sent_again()
    {
        await _world.StartUpAsync();
        var sliding = new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromMinutes(1) };
        await _world.Cache.SetAsync("key", [1], sliding, Token);
        _world.Time.Advance(TimeSpan.FromSeconds(5));
        _world.A.AnswerEntry = command =>
        {
            if (command == "get" && _world.A.Opened == 1)
            {
                _world.A.Break();
                _world.UntilAsync(() => _world.A.Opened == 2 && _world.Now.State == ShardState.Up).GetAwaiter().GetResult();
            }

            return null;
        };
        await _world.Cache.GetAsync("key", Token);

        await _world.Cache.GetAsync("key", Token);
        await _world.Cache.GetAsync("key", Token);

        Assert.Equal(["get", "touch", "get"], Assert.Single(_world.A.Connections).Sent);
    }

    [Theory]
    [InlineData(256, 10, 1)]
    [InlineData(257, 10, 2)]
    [InlineData(9, 1024 * 1024, 3)]
    [InlineData(2, 5 * 1024 * 1024, 2)]
    public async Task A_batch_is_sent_in_steps_of_bounded_count_and_size(int entries, int bytes, int steps)
    {
        await _world.StartUpAsync();
        var payload = new byte[bytes];
        string[] keys = [.. Enumerable.Range(0, entries).Select(static i => $"key-{i}")];

        await _world.Cache.SetManyAsync([.. keys.Select(key => KeyValuePair.Create(key, payload))], new(), Token);

        Assert.Equal(steps, Assert.Single(_world.A.Connections).Batches);
        Assert.All(await _world.Cache.GetManyAsync(keys, Token), value => Assert.Equal(bytes, value?.Length));
    }
}
