using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.Entries;

/// <summary>When an entry expires: the fields of its header, and the time to live that it is stored with.</summary>
/// <param name="AbsoluteMilliseconds">Unix milliseconds by the shard's clock; 0 where there is no absolute expiration.</param>
/// <param name="SlidingMilliseconds">The window; 0 where there is none.</param>
/// <param name="TimeToLive">Whole milliseconds, at least one; <see cref="Timeout.InfiniteTimeSpan"/> where the entry never expires.</param>
internal readonly record struct EntryExpiration(long AbsoluteMilliseconds, long SlidingMilliseconds, TimeSpan TimeToLive)
{
    /// <summary>
    /// Longer durations count as this one, 2^47 ms or 4,459 years: with it every sum stays exact, in 64 bits, in the
    /// doubles of a Lua script, in <see cref="DateTimeOffset"/>, and below the bound of Redis' own expiration.
    /// </summary>
    public const long MaxDurationMilliseconds = 1L << 47;

    public bool IsAbsolute => AbsoluteMilliseconds != 0;

    public bool IsSliding => SlidingMilliseconds != 0;

    /// <summary>
    /// As Microsoft's providers read the options: a duration relative to now goes before a point in time, the earlier
    /// of absolute and sliding expiration ends the entry, and without either it lives until it is removed or evicted.
    /// </summary>
    /// <param name="options">What the caller of a set has given.</param>
    /// <param name="now">The time of the caller, in which <see cref="DistributedCacheEntryOptions.AbsoluteExpiration"/> is meant.</param>
    /// <param name="shardNowMilliseconds">The same moment by the shard's clock, in which expirations are stored.</param>
    /// <exception cref="ArgumentOutOfRangeException">The absolute expiration is not in the future.</exception>
    public static EntryExpiration From(DistributedCacheEntryOptions options, DateTimeOffset now, long shardNowMilliseconds) =>
        EntryLifetime.Of(options, now).From(shardNowMilliseconds);

    /// <param name="shardNowMilliseconds">The time of the call by the shard's clock.</param>
    public TimeSpan TimeToLiveAt(long shardNowMilliseconds) => (IsAbsolute, IsSliding) switch
    {
        (_, true) => TimeSpan.FromMilliseconds(TouchPolicy.TimeToLive(EntryHeader.Value(default, this), shardNowMilliseconds)),
        (true, false) => TimeSpan.FromMilliseconds(AbsoluteMilliseconds - shardNowMilliseconds),
        _ => Timeout.InfiniteTimeSpan,
    };
}
