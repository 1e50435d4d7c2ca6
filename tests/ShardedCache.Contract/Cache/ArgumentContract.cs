using System.Buffers;
using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.Contract.Cache;

/// <summary>What a cache promises about bad arguments: one clear exception, and nothing half done.</summary>
public abstract class ArgumentContract : BufferContract
{
    private static readonly DistributedCacheEntryOptions NoExpiration = new();

    /// <summary>The cache's limit for a value, in bytes.</summary>
    protected abstract int MaximumPayloadBytes { get; }

    /// <summary>The prefix of the cache's keys. Behind one, a caller's key can't reach the cache's own records.</summary>
    protected virtual string InstanceName => string.Empty;

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task A_null_key_is_refused(CacheAccess access)
    {
        var user = User(access);

        await Assert.ThrowsAsync<ArgumentNullException>("key", () => user.GetAsync(null!));
        await Assert.ThrowsAsync<ArgumentNullException>("key", () => user.SetAsync(null!, []));
        await Assert.ThrowsAsync<ArgumentNullException>("key", () => user.RefreshAsync(null!));
        await Assert.ThrowsAsync<ArgumentNullException>("key", () => user.RemoveAsync(null!));
        Assert.Throws<ArgumentNullException>("key", () => Cache.GetShard(null!));
    }

    [Fact]
    public async Task Null_values_options_and_destinations_are_refused()
    {
        var key = Key();

        Assert.Throws<ArgumentNullException>("value", () => Cache.Set(key, null!, NoExpiration));
        await Assert.ThrowsAsync<ArgumentNullException>("value", () => Cache.SetAsync(key, null!, NoExpiration, Cancellation));
        Assert.Throws<ArgumentNullException>("destination", () => Cache.TryGet(key, null!));
        await Assert.ThrowsAsync<ArgumentNullException>("destination", () => Cache.TryGetAsync(key, null!, Cancellation).AsTask());
        Assert.Throws<ArgumentNullException>("options", () => Cache.Set(key, [], null!));
        await Assert.ThrowsAsync<ArgumentNullException>("options", () => Cache.SetAsync(key, [], null!, Cancellation));
        Assert.Throws<ArgumentNullException>("options", () => Cache.Set(key, ReadOnlySequence<byte>.Empty, null!));
        await Assert.ThrowsAsync<ArgumentNullException>(
            "options", () => Cache.SetAsync(key, ReadOnlySequence<byte>.Empty, null!, Cancellation).AsTask());
        Assert.Null(await Cache.GetAsync(key, Cancellation));
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task A_key_with_half_a_surrogate_pair_is_refused(CacheAccess access)
    {
        foreach (var key in (string[])["\ud83d", "\ude00", "a\ud83db", "\ude00\ud83d", "{a\ud83d}"])
        {
            await RefusedAsync(User(access), key);
        }
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task A_key_with_the_reserved_prefix_is_refused(CacheAccess access)
    {
        if (InstanceName.Length == 0)
        {
            await RefusedAsync(User(access), "__shardedcache:rule");
        }

        await User(access).SetTextAsync("__shardedcache", "allowed");
        await User(access).SetTextAsync("x__shardedcache:", "allowed");
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task A_value_at_the_limit_is_stored_and_one_byte_more_is_refused(CacheAccess access)
    {
        var (key, user) = (Key(), User(access));
        var value = new byte[MaximumPayloadBytes + 1];
        Random.Shared.NextBytes(value);

        var atTheLimit = value[..^1];
        await user.SetAsync(key, atTheLimit);
        Assert.True((await user.GetAsync(key)).AsSpan().SequenceEqual(atTheLimit));

        var refused = await Assert.ThrowsAsync<ArgumentException>(() => user.SetAsync(key, value));
        Assert.Contains(nameof(ShardedRedisCacheOptions.MaximumPayloadBytes), refused.Message, StringComparison.Ordinal);
        Assert.Contains($"{value.Length} bytes", refused.Message, StringComparison.Ordinal);
        Assert.True((await user.GetAsync(key)).AsSpan().SequenceEqual(atTheLimit));
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task An_absolute_expiration_in_the_past_is_refused_and_leaves_the_old_value(CacheAccess access)
    {
        var (key, user) = (Key(), User(access));
        await user.SetTextAsync(key, "old");

        foreach (var age in (TimeSpan[])[TimeSpan.Zero, TimeSpan.FromSeconds(1), TimeSpan.FromDays(400)])
        {
            var past = new DistributedCacheEntryOptions { AbsoluteExpiration = DateTimeOffset.UtcNow - age };
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => user.SetTextAsync(key, "new", past));
        }

        Assert.Equal("old", await user.GetTextAsync(key));
    }

    [Theory]
    [InlineData(CacheAccess.ArrayAsync)]
    [InlineData(CacheAccess.BufferAsync)]
    public async Task What_is_cancelled_before_it_starts_is_not_done(CacheAccess access)
    {
        var (key, user) = (Key(), User(access));
        var cancelled = new CancellationToken(canceled: true);
        await user.SetTextAsync(key, "value");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => user.GetAsync(key, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => user.SetAsync(key, [1], null, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => user.RefreshAsync(key, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => user.RemoveAsync(key, cancelled));

        Assert.Equal("value", await user.GetTextAsync(key));
    }

    private async Task RefusedAsync(CacheUser user, string key)
    {
        await Assert.ThrowsAsync<ArgumentException>("key", () => user.GetAsync(key));
        await Assert.ThrowsAsync<ArgumentException>("key", () => user.SetAsync(key, []));
        await Assert.ThrowsAsync<ArgumentException>("key", () => user.RefreshAsync(key));
        await Assert.ThrowsAsync<ArgumentException>("key", () => user.RemoveAsync(key));
        Assert.Throws<ArgumentException>("key", () => Cache.GetShard(key));
    }
}
