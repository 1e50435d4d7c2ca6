using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>
/// A client process: an application with the cache in it. It is told what to do by lines on its standard input, answers each
/// by one line, and ends with its input.
/// </summary>
internal static class WorkerCommand
{
    private const int ReadsAtOnce = 16;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(string json)
    {
        var settings = WorkerSettings.Parse(json);
        var unobserved = new ConcurrentQueue<string>();
        TaskScheduler.UnobservedTaskException += (_, args) => unobserved.Enqueue(args.Exception.ToString());
        var time = settings.ClockOffsetMilliseconds == 0 ? TimeProvider.System : new SkewedTime(TimeSpan.FromMilliseconds(settings.ClockOffsetMilliseconds));
        using var lines = new LogCounter();
        await using var services = Services(settings, time, lines);
        var cache = services.GetRequiredService<IShardedCache>();
        var keys = new KeySpace(settings);
        var log = new OperationLog((settings.Process < settings.Workers ? settings.HighestRate * settings.LongestSeconds * 5 / 4 : 0) + (2 * keys.Count));
        var operations = new Operations(cache, log, time, settings, keys);
        var load = new Load(new CallMix(settings, keys), operations);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGINT, static context => context.Cancel = true);

        // Where the orchestrator will find its probes.
        Console.WriteLine(JsonSerializer.Serialize(settings.Shards.Select(shard => Probe.Key(cache, shard, settings.Process))));
        while (await Console.In.ReadLineAsync() is { } line)
        {
            Console.WriteLine(line.Split(' ', 2) switch
            {
                ["measure"] => $"{await Capacity.MeasureAsync(cache, settings.Process)}",
                ["load", var rate] => Start(load, int.Parse(rate, CultureInfo.InvariantCulture)),
                ["probe", var token] => await ProbeAsync(cache, settings, token),
                ["stop"] => load.Stop(Patience) ? "stopped" : "stopped, but some operations never came back",
                ["read"] => await ReadAllAsync(operations, keys),
                ["save", var path] => Save(log, path),
                ["statistics"] => Statistics(load, lines, unobserved),
                _ => $"not understood: {line}",
            });
        }

        return 0;
    }

    private static ServiceProvider Services(WorkerSettings settings, TimeProvider time, LogCounter lines)
    {
        var services = new ServiceCollection()
            .AddSingleton(time)
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Information).AddProvider(lines))
            .AddShardedRedisCache(options => WorkerOptions.Apply(options, settings));
        return services.BuildServiceProvider();
    }

    private static string Start(Load load, int rate)
    {
        load.Start(rate);
        return "started";
    }

    /// <summary>Writes one known entry to each shard; the orchestrator looks for it on the masters themselves.</summary>
    private static async Task<string> ProbeAsync(IShardedCache cache, WorkerSettings settings, string token)
    {
        var failures = new ConcurrentQueue<string>();
        await Task.WhenAll(settings.Shards.Select(async shard =>
        {
            try
            {
                await cache.SetAsync(Probe.Key(cache, shard, settings.Process), System.Text.Encoding.UTF8.GetBytes(token), new DistributedCacheEntryOptions());
            }
            catch (Exception e)
            {
                failures.Enqueue($"{shard}: {e.Message}");
            }
        }));
        return failures.IsEmpty ? "probed" : string.Join(' ', failures);
    }

    private static async Task<string> ReadAllAsync(Operations operations, KeySpace keys)
    {
        await Parallel.ForEachAsync(
            keys.ReadAtEnd(), new ParallelOptions { MaxDegreeOfParallelism = ReadsAtOnce }, async (key, _) => await operations.ReadAtEndAsync(key));
        return "read";
    }

    private static string Save(OperationLog log, string path)
    {
        log.Save(path);
        return "saved";
    }

    private static string Statistics(Load load, LogCounter lines, ConcurrentQueue<string> unobserved)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return JsonSerializer.Serialize(new WorkerStatistics
        {
            ManagedBytes = GC.GetTotalMemory(forceFullCollection: true),
            LogLines = lines.Counts,
            FirstLogLines = [.. lines.FirstLines],
            UnobservedExceptions = [.. unobserved],
            LatestStartMilliseconds = Ticks.Milliseconds(load.LatestStart),
            Skipped = load.Skipped,
        });
    }
}
