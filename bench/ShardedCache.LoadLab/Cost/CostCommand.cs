using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Cost;

/// <summary>
/// What the local tier and the journal cost a healthy farm: throughput in LocalTier beside Throw, in interleaved rounds of one run; and
/// the journal's size under a steady rate of sets.
/// </summary>
internal static class CostCommand
{
    private const int Callers = 64;
    private const int PayloadBytes = 1024;
    private const int SetsPerSecond = 50_000;

    /// <summary>Short and many: what the machine does besides changes from one tenth of a second to the next, and a pair is to meet the same.</summary>
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(20);

    private static readonly string[] Keys = [.. Enumerable.Range(0, 10_000).Select(static i => $"user:{i}:profile")];

    public static async Task<int> RunAsync(int rounds)
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 2, DownAfter = TimeSpan.FromSeconds(5) });
        await using var plain = Client(farm, FailoverMode.Throw);
        await using var tiered = Client(farm, FailoverMode.LocalTier);
        foreach (var (name, run) in new (string, Func<IDistributedCache, int, Task>)[] { ("set", SetAsync), ("get", GetAsync) })
        {
            await CompareAsync(name, rounds, run, plain.GetRequiredService<IDistributedCache>(), tiered.GetRequiredService<IDistributedCache>());
        }

        await MeasureJournalAsync(tiered.GetRequiredService<IDistributedCache>());
        return 0;
    }

    private static async Task CompareAsync(string name, int rounds, Func<IDistributedCache, int, Task> run, IDistributedCache plain, IDistributedCache tiered)
    {
        var (plains, tiereds) = (new List<Measure>(), new List<Measure>());
        for (var round = -rounds / 10; round < rounds; round++)
        {
            // In turn first and second, so that what a round leaves behind hits both alike.
            var first = round % 2 == 0 ? plain : tiered;
            var measured = await MeasureAsync(first, run);
            var other = await MeasureAsync(first == plain ? tiered : plain, run);
            if (round >= 0)
            {
                plains.Add(first == plain ? measured : other);
                tiereds.Add(first == plain ? other : measured);
            }
        }

        Print($"{name}, {PayloadBytes} B, {Callers} in flight, medians of {rounds} rounds: Throw {Of(plains, Rate):0}/s, LocalTier {Of(tiereds, Rate):0}/s, ratio {Ratio(Rate):0.000}");
        Print($"  client CPU: Throw {Of(plains, Cpu):0.00} µs/op, LocalTier {Of(tiereds, Cpu):0.00} µs/op, ratio {Ratio(Cpu):0.000}");

        static double Rate(Measure measure) => measure.PerSecond;
        static double Cpu(Measure measure) => measure.CpuMicroseconds;
        static double Of(List<Measure> measures, Func<Measure, double> figure) => Median([.. measures.Select(figure)]);
        double Ratio(Func<Measure, double> figure) => Median([.. plains.Zip(tiereds, (without, with) => figure(with) / figure(without))]);
    }

    private static async Task<Measure> MeasureAsync(IDistributedCache cache, Func<IDistributedCache, int, Task> run)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        var counts = await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            var count = 0;

            // A timer's callback would wait for a thread behind the callers.
            for (; watch.Elapsed < Round; count++)
            {
                await run(cache, (caller * 7919) + count);
            }

            return count;
        })));
        return new(counts.Sum() / watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / counts.Sum());
    }

    /// <summary>An open loop of sets; the journal is sampled as an operator would see it.</summary>
    private static async Task MeasureJournalAsync(IDistributedCache cache)
    {
        var sizes = new List<double>();
        var journal = 0L;
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument is { Name: "shardedcache.journal.size", Meter.Name: "ShardedCache" })
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, size, _, _) => journal += size);
        listener.Start();
        var watch = Stopwatch.StartNew();
        var sent = 0;
        var pending = new List<Task>();
        while (watch.Elapsed < TimeSpan.FromSeconds(10))
        {
            for (var due = (int)(watch.Elapsed.TotalSeconds * SetsPerSecond); sent < due; sent++)
            {
                pending.Add(SetAsync(cache, sent));
            }

            await Task.Delay(2);
            pending.RemoveAll(static task => task.IsCompletedSuccessfully);
            journal = 0;
            listener.RecordObservableInstruments();
            if (watch.Elapsed > TimeSpan.FromSeconds(2))
            {
                sizes.Add(journal);
            }
        }

        await Task.WhenAll(pending);
        sizes.Sort();
        Print($"journal at {sent / 10:0} sets/s of {PayloadBytes} B for 10 s: median {Median(sizes) / 1048576:0.0} MiB, largest {sizes[^1] / 1048576:0.0} MiB");
    }

    private static Task SetAsync(IDistributedCache cache, int number) =>
        cache.SetAsync(Keys[number % Keys.Length], Payload, Expiration);

    private static Task GetAsync(IDistributedCache cache, int number) => cache.GetAsync(Keys[number % Keys.Length]);

    private static readonly byte[] Payload = new byte[PayloadBytes];

    private static readonly DistributedCacheEntryOptions Expiration = new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(10) };

    private static ServiceProvider Client(RedisFarm farm, FailoverMode mode) => new ServiceCollection()
        .AddShardedRedisCache(options => (options.Configuration, options.FailoverMode) = (farm.ConnectionString, mode))
        .BuildServiceProvider();

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private readonly record struct Measure(double PerSecond, double CpuMicroseconds);

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
