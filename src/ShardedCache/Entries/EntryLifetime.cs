using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.Entries;

/// <summary>How long an entry is to live, in milliseconds, whatever clock tells them.</summary>
/// <param name="Absolute">From its call; null for ever.</param>
/// <param name="Sliding">The window; null where there is none.</param>
/// <param name="Elapsed">Since its call.</param>
internal readonly record struct EntryLifetime(long? Absolute, long? Sliding, long Elapsed = 0)
{
    /// <inheritdoc cref="EntryExpiration.From"/>
    public static EntryLifetime Of(DistributedCacheEntryOptions options, DateTimeOffset now) =>
        options.AbsoluteExpiration <= now
            ? throw new ArgumentOutOfRangeException(
                nameof(DistributedCacheEntryOptions.AbsoluteExpiration),
                options.AbsoluteExpiration.Value,
                "The absolute expiration value must be in the future.")
            : new(
                Milliseconds(options.AbsoluteExpirationRelativeToNow ?? (options.AbsoluteExpiration - now)),
                Milliseconds(options.SlidingExpiration));

    public EntryExpiration From(long nowMilliseconds)
    {
        var calledAt = nowMilliseconds - Elapsed;
        var header = new EntryExpiration(Absolute is { } life ? calledAt + life : 0, Sliding ?? 0, default);
        return header with { TimeToLive = header.TimeToLiveAt(calledAt) };
    }

    private static long? Milliseconds(TimeSpan? duration) => duration is { } given
        ? Math.Min(
            (given.Ticks / TimeSpan.TicksPerMillisecond) + (given.Ticks % TimeSpan.TicksPerMillisecond > 0 ? 1 : 0),
            EntryExpiration.MaxDurationMilliseconds)
        : null;
}
