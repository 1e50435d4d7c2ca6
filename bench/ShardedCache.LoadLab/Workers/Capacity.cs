using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>How many operations a second this process gets through when each caller begins the next as soon as the last is over.</summary>
internal static class Capacity
{
    private const int Callers = 64;
    private const int Keys = 1000;

    private static readonly long Length = Ticks.Of(1500);

    public static async Task<int> MeasureAsync(IShardedCache cache, int process)
    {
        var names = Enumerable.Range(0, Keys).Select(number => $"lab:capacity:{process}:{number}").ToArray();
        var options = new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(1) };
        var payload = new byte[500];

        // Of two equal stretches the second counts: the first one is the JIT's.
        await StretchAsync();
        return await StretchAsync();

        async Task<int> StretchAsync()
        {
            var until = Ticks.Now + Length;
            var counts = await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(() => CallAsync(caller, until))));
            return (int)(counts.Sum() * 1000 / Ticks.Milliseconds(Length));
        }

        async Task<int> CallAsync(int caller, long until)
        {
            var count = 0;
            for (var i = caller; Ticks.Now < until; i += Callers, count++)
            {
                if (i % 3 == 0)
                {
                    await cache.SetAsync(names[i % Keys], payload, options);
                }
                else
                {
                    await cache.GetAsync(names[i % Keys]);
                }
            }

            return count;
        }
    }
}
