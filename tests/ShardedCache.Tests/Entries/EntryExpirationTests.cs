using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Entries;

public class EntryExpirationTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The shard's clock is a day ahead of the caller's.</summary>
    private static readonly long ShardNow = Now.AddDays(1).ToUnixTimeMilliseconds();

    [Fact]
    public void Without_any_expiration_an_entry_has_no_time_to_live() =>
        Assert.Equal(new EntryExpiration(0, 0, Timeout.InfiniteTimeSpan), From(new()));

    [Fact]
    public void A_point_in_time_is_stored_by_the_shards_clock() => Assert.Equal(
        new EntryExpiration(ShardNow + 60_000, 0, TimeSpan.FromMinutes(1)),
        From(new() { AbsoluteExpiration = Now.AddMinutes(1).ToOffset(TimeSpan.FromHours(5)) }));

    [Fact]
    public void A_duration_relative_to_now_goes_before_a_point_in_time() => Assert.Equal(
        new EntryExpiration(ShardNow + 5_000, 0, TimeSpan.FromSeconds(5)),
        From(new() { AbsoluteExpiration = Now.AddMinutes(1), AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(5) }));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(-10_000_000_000)]
    public void A_point_in_time_that_is_not_in_the_future_is_refused(long ticks)
    {
        var options = new DistributedCacheEntryOptions { AbsoluteExpiration = Now.AddTicks(ticks) };

        Assert.Equal("AbsoluteExpiration", Assert.Throws<ArgumentOutOfRangeException>(() => From(options)).ParamName);

        options.AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => From(options));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(10_000, 1)]
    [InlineData(10_001, 2)]
    [InlineData(15_230_000, 1523)]
    public void Milliseconds_are_honoured_and_parts_of_one_rounded_up(long ticks, long milliseconds)
    {
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), From(new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromTicks(ticks) }).TimeToLive);
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), From(new() { AbsoluteExpiration = Now.AddTicks(ticks) }).TimeToLive);
        Assert.Equal(milliseconds, From(new() { SlidingExpiration = TimeSpan.FromTicks(ticks) }).SlidingMilliseconds);
    }

    [Theory]
    [InlineData(9_999, 9_999)]
    [InlineData(10_000, 10_625)]
    [InlineData(160_000, 170_000)]
    public void A_sliding_entry_of_10_s_or_more_lives_a_sixteenth_longer(long window, long timeToLive) => Assert.Equal(
        new EntryExpiration(0, window, TimeSpan.FromMilliseconds(timeToLive)), From(new() { SlidingExpiration = TimeSpan.FromMilliseconds(window) }));

    [Fact]
    public void A_sliding_expiration_is_capped_by_the_absolute_one() => Assert.Equal(
        new EntryExpiration(ShardNow + 20_500, 20_000, TimeSpan.FromMilliseconds(20_500)),
        From(new() { SlidingExpiration = TimeSpan.FromSeconds(20), AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(20_500) }));

    [Fact]
    public void The_longest_durations_do_not_overflow()
    {
        const long Longest = EntryExpiration.MaxDurationMilliseconds;

        var absolute = From(new() { AbsoluteExpirationRelativeToNow = TimeSpan.MaxValue });
        var sliding = From(new() { SlidingExpiration = TimeSpan.MaxValue });
        var until = From(new() { AbsoluteExpiration = DateTimeOffset.MaxValue });

        Assert.Equal(new EntryExpiration(ShardNow + Longest, 0, TimeSpan.FromMilliseconds(Longest)), absolute);
        Assert.Equal(new EntryExpiration(0, Longest, TimeSpan.FromMilliseconds(Longest + (Longest / 16))), sliding);
        Assert.Equal(TimeSpan.FromMilliseconds(Longest), until.TimeToLive);
        Assert.True(DateTimeOffset.FromUnixTimeMilliseconds(absolute.AbsoluteMilliseconds).Year > 6000);
    }

    private static EntryExpiration From(DistributedCacheEntryOptions options) => EntryExpiration.From(options, Now, ShardNow);
}
