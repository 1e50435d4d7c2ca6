using System.Diagnostics;
using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.LoadLab.Eviction;

/// <summary>Gets and sets of another client at a steady rate, from a few threads of their own, each with one call at a time.</summary>
internal sealed class SteadyLoad : IDisposable
{
    public const int Keys = 1000;
    private const int Threads = 4;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);
    private static readonly byte[] Payload = new byte[512];
    private static readonly DistributedCacheEntryOptions Expiration = new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(2) };

    private readonly IDistributedCache _cache;
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread[] _threads;
    private List<long>[]? _recording;

    public SteadyLoad(IDistributedCache cache)
    {
        _cache = cache;
        _threads = [.. Enumerable.Range(0, Threads).Select(number => new Thread(() => Run(number)) { IsBackground = true })];
    }

    public async Task WarmUpAsync()
    {
        for (var i = 0; i < Keys; i++)
        {
            await _cache.SetAsync(Key(i), Payload, Expiration);
        }

        foreach (var thread in _threads)
        {
            thread.Start();
        }

        await Task.Delay(2000);
    }

    /// <summary>The latencies while the action runs, in milliseconds.</summary>
    public async Task<Latencies> MeasureAsync(Func<Task> action)
    {
        var watch = Stopwatch.StartNew();
        var recording = Enumerable.Range(0, Threads).Select(static _ => new List<long>(100_000)).ToArray();
        Volatile.Write(ref _recording, recording);
        await action();
        Volatile.Write(ref _recording, null);
        await Task.Delay(100);
        var all = recording.SelectMany(static ticks => ticks).Select(static ticks => Stopwatch.GetElapsedTime(0, ticks).TotalMilliseconds).Order().ToArray();
        return new(all[all.Length / 2], all[all.Length * 99 / 100], all[all.Length * 999 / 1000], all.Length, watch.Elapsed);
    }

    public void Dispose()
    {
        _stop.Cancel();
        foreach (var thread in _threads)
        {
            thread.Join();
        }

        _stop.Dispose();
    }

    private static string Key(int number) => $"load:{number % Keys}";

    private void Run(int thread)
    {
        for (var number = thread * 7919; !_stop.IsCancellationRequested; number++)
        {
            var recording = Volatile.Read(ref _recording);
            var begun = Stopwatch.GetTimestamp();
            if (number % 4 == 0)
            {
                _cache.Set(Key(number), Payload, Expiration);
            }
            else
            {
                _cache.Get(Key(number));
            }

            recording?[thread].Add(Stopwatch.GetTimestamp() - begun);
            Thread.Sleep(Pause);
        }
    }
}

/// <summary>What was measured, in milliseconds.</summary>
internal sealed record Latencies(double P50, double P99, double P999, int Count, TimeSpan Duration);
