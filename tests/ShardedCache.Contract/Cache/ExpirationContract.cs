using System.Diagnostics;
using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.Contract.Cache;

/// <summary>
/// What a cache promises about time. The machine that runs this may stall: a miss counts against the cache only where
/// measured time shows that the entry must still have been there.
/// </summary>
public abstract class ExpirationContract : ArgumentContract
{
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(400);

    // Between clocks, and for what is rounded to a whole millisecond.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(10);

    [Fact]
    public Task An_absolute_expiration_is_kept_to_the_millisecond_however_often_the_entry_is_used() => ForEveryAccessAsync(async user =>
    {
        foreach (var relative in (bool[])[true, false])
        {
            var key = Key();
            var before = Stopwatch.GetTimestamp();
            await user.SetTextAsync(key, "value", relative
                ? new() { AbsoluteExpirationRelativeToNow = Window }
                : new() { AbsoluteExpiration = DateTimeOffset.UtcNow + Window });
            var after = Stopwatch.GetTimestamp();

            var (lastHit, firstMiss) = await UseUntilGoneAsync(user, key);

            Assert.True(Stopwatch.GetElapsedTime(before, firstMiss) >= Window - Slack, "expired too early");
            Assert.True(Stopwatch.GetElapsedTime(after, lastHit) < Window + Slack, "was served after it had expired");
        }
    });

    [Fact]
    public Task A_sliding_expiration_begins_again_with_every_read() => ForEveryAccessAsync(async user =>
    {
        var key = Key();

        await StaysAsync(user, key, new() { SlidingExpiration = Window }, async () => await user.GetAsync(key) is not null);

        await GoneAsync(user, key);
    });

    [Fact]
    public Task Refresh_begins_a_sliding_expiration_again() => ForEveryAccessAsync(async user =>
    {
        var key = Key();

        await StaysAsync(user, key, new() { SlidingExpiration = Window }, async () =>
        {
            await user.RefreshAsync(key);
            return true;
        });

        await GoneAsync(user, key);
    });

    [Fact]
    public Task A_sliding_entry_that_nobody_uses_expires() => ForEveryAccessAsync(async user =>
    {
        var key = Key();

        await user.SetTextAsync(key, "value", new() { SlidingExpiration = TimeSpan.FromMilliseconds(50) });

        await GoneAsync(user, key);
    });

    [Fact]
    public Task A_sliding_expiration_is_capped_by_the_absolute_one() => ForEveryAccessAsync(async user =>
    {
        var key = Key();
        var absolute = TimeSpan.FromMilliseconds(700);
        await user.SetTextAsync(key, "value", new() { SlidingExpiration = Window, AbsoluteExpirationRelativeToNow = absolute });
        var after = Stopwatch.GetTimestamp();

        var (lastHit, _) = await UseUntilGoneAsync(user, key);

        Assert.True(Stopwatch.GetElapsedTime(after, lastHit) < absolute + Slack, "was served after its absolute expiration");
    });

    [Fact]
    public Task Setting_again_replaces_the_expiration_too() => ForEveryAccessAsync(async user =>
    {
        var (longer, shorter) = (Key(), Key());
        await user.SetTextAsync(longer, "old", new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(100) });
        await user.SetTextAsync(longer, "new");
        await user.SetTextAsync(shorter, "old");
        await user.SetTextAsync(shorter, "new", new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(150) });

        await GoneAsync(user, shorter);

        Assert.Equal("new", await user.GetTextAsync(longer));
    });

    [Fact]
    public Task The_furthest_expirations_are_accepted() => ForEveryAccessAsync(async user =>
    {
        DistributedCacheEntryOptions[] furthest =
        [
            new() { AbsoluteExpiration = DateTimeOffset.MaxValue },
            new() { AbsoluteExpirationRelativeToNow = TimeSpan.MaxValue },
            new() { SlidingExpiration = TimeSpan.MaxValue },
            new() { SlidingExpiration = TimeSpan.MaxValue, AbsoluteExpirationRelativeToNow = TimeSpan.MaxValue },
        ];
        foreach (var options in furthest)
        {
            var key = Key();
            await user.SetTextAsync(key, "value", options);
            await user.RefreshAsync(key);
            Assert.Equal("value", await user.GetTextAsync(key));
        }
    });

    [Fact]
    public async Task Of_two_absolute_expirations_the_one_from_now_counts()
    {
        var (key, user) = (Key(), User(CacheAccess.ArrayAsync));

        await user.SetTextAsync(key, "value", new()
        {
            AbsoluteExpiration = DateTimeOffset.UtcNow.AddHours(1),
            AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(100),
        });

        await GoneAsync(user, key);
    }

    /// <summary>All at once, because each only waits.</summary>
    private Task ForEveryAccessAsync(Func<CacheUser, Task> test) =>
        Task.WhenAll(Enum.GetValues<CacheAccess>().Select(access => Task.Run(() => test(User(access)), Cancellation)));

    /// <summary>Uses a sliding entry over twice its window. Where the machine stalls for a window, it begins again.</summary>
    private static async Task StaysAsync(CacheUser user, string key, DistributedCacheEntryOptions options, Func<Task<bool>> use)
    {
        while (true)
        {
            Cancellation.ThrowIfCancellationRequested();
            var start = Stopwatch.GetTimestamp();
            await user.SetTextAsync(key, "value", options);
            var lastUse = start;
            var stalled = false;
            while (!stalled && Stopwatch.GetElapsedTime(start) < 2 * Window)
            {
                await Task.Delay(Window / 8, Cancellation);
                var now = Stopwatch.GetTimestamp();
                var isThere = await use();

                // A touch goes out behind the read, so half a window is left for it to arrive.
                stalled = Stopwatch.GetElapsedTime(lastUse) > Window / 2;
                Assert.True(isThere || stalled, "a used entry expired");
                lastUse = now;
            }

            var isStillThere = await user.GetTextAsync(key) == "value";
            stalled |= Stopwatch.GetElapsedTime(lastUse) > Window / 2;
            Assert.True(isStillThere || stalled, "a used entry expired");
            if (!stalled)
            {
                return;
            }
        }
    }

    private static async Task<(long LastHit, long FirstMiss)> UseUntilGoneAsync(CacheUser user, string key)
    {
        var lastHit = Stopwatch.GetTimestamp();
        while (true)
        {
            var asked = Stopwatch.GetTimestamp();
            if (await user.GetAsync(key) is null)
            {
                return (lastHit, Stopwatch.GetTimestamp());
            }

            lastHit = asked;
            await user.RefreshAsync(key);
            await Task.Delay(10, Cancellation);
        }
    }

    /// <summary>Waits, without using the entry more often than its window, until it is a miss.</summary>
    private static async Task GoneAsync(CacheUser user, string key)
    {
        var start = Stopwatch.GetTimestamp();
        do
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20), "the entry does not expire");
            await Task.Delay(Window + TimeSpan.FromMilliseconds(50), Cancellation);
        }
        while (await user.GetAsync(key) is not null);
    }
}
