using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.LoadLab.Workers;

/// <summary>The expiration of one set, in milliseconds; 0 for none.</summary>
internal readonly record struct Expiration(int Absolute, int Sliding, bool ByOwnClock)
{
    public static Expiration Choose(Random random, WorkerSettings settings)
    {
        var byOwnClock = settings.ClockOffsetMilliseconds != 0 && random.Next(2) == 0;
        return random.Next(100) switch
        {
            < 60 => default,
            < 72 => new(60_000 + random.Next(60_000), 0, byOwnClock),
            < 82 => new(1500 + random.Next(2500), 0, byOwnClock),
            < 92 => new(0, 2000 + random.Next(2000), false),
            _ => new(60_000, 10_000 + random.Next(10_000), byOwnClock),
        };
    }

    public DistributedCacheEntryOptions ToOptions(TimeProvider time)
    {
        var options = new DistributedCacheEntryOptions();
        if (Absolute > 0 && ByOwnClock)
        {
            options.AbsoluteExpiration = time.GetUtcNow() + TimeSpan.FromMilliseconds(Absolute);
        }
        else if (Absolute > 0)
        {
            options.AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(Absolute);
        }

        if (Sliding > 0)
        {
            options.SlidingExpiration = TimeSpan.FromMilliseconds(Sliding);
        }

        return options;
    }
}
