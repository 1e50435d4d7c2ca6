using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.LoadLab.Throughput;
using ShardedCache.Testing;
using StackExchange.Redis;

namespace ShardedCache.LoadLab.Start;

/// <summary>
/// What a cache costs before and between its operations: the time from its registration to the first answer beside that of a connection
/// made by hand, each in a new process; and what an idle process takes.
/// </summary>
internal static class StartCommand
{
    private const int Rounds = 7;

    private static readonly string[] Names = ["by-hand", "sharded", "sharded-resp"];
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 1 });
        var master = farm.Shards[0].InitialMaster;
        var results = Names.ToDictionary(static name => name, static _ => new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var name in Names)
            {
                var configuration = name == "by-hand" ? string.Create(CultureInfo.InvariantCulture, $"{master.Host}:{master.Port}") : farm.ConnectionString;
                var (first, _) = await MeasureAsync(name, configuration, TimeSpan.Zero);
                if (round > 0)
                {
                    results[name].Add(first);
                }
            }
        }

        foreach (var (name, times) in results)
        {
            Print($"{name,-14} first answer after {Median(times),6:0.0} ms, {Median(times) - Median(results["by-hand"]),6:0.0} ms more than by hand");
        }

        foreach (var name in Names)
        {
            var configuration = name == "by-hand" ? string.Create(CultureInfo.InvariantCulture, $"{master.Host}:{master.Port}") : farm.ConnectionString;
            var (_, idle) = await MeasureAsync(name, configuration, Idle);
            Print($"{name,-14} idle for {Idle.TotalSeconds:0} s: {idle}");
        }

        return 0;
    }

    /// <summary>The part of a process that <see cref="RunAsync"/> has started.</summary>
    public static async Task<int> RunWorkerAsync(string name, string configuration, int idleMilliseconds)
    {
        var started = Stopwatch.GetTimestamp();
        if (name == "by-hand")
        {
            await using var multiplexer = await ConnectionMultiplexer.ConnectAsync(configuration);
            await multiplexer.GetDatabase().StringGetAsync("nothing");
            await TellAsync(started, idleMilliseconds);
            return 0;
        }

        await using var provider = new ServiceCollection()
            .AddShardedRedisCache(options => options.Configuration = configuration + (name == "sharded-resp" ? ",transport=resp" : ""))
            .BuildServiceProvider();
        await provider.GetRequiredService<IDistributedCache>().GetAsync("nothing");
        await TellAsync(started, idleMilliseconds);
        return 0;
    }

    private static async Task TellAsync(long started, int idleMilliseconds)
    {
        Print($"{Stopwatch.GetElapsedTime(started).TotalMilliseconds:0.0}");
        using var process = Process.GetCurrentProcess();

        // What the start has begun comes to its end first.
        await Task.Delay(Math.Min(idleMilliseconds, 3000));
        process.Refresh();
        var cpu = process.TotalProcessorTime;
        await Task.Delay(idleMilliseconds);
        process.Refresh();
        var share = idleMilliseconds == 0 ? 0 : (process.TotalProcessorTime - cpu).TotalMilliseconds / idleMilliseconds * 100;
        Print($"{share:0.00} % of a processor, working set {process.WorkingSet64 / 1048576.0:0} MiB");
    }

    private static async Task<(double FirstAnswer, string Idle)> MeasureAsync(string name, string configuration, TimeSpan idle)
    {
        var start = SubjectProcess.HostOf(
            Path.Combine(AppContext.BaseDirectory, "ShardedCache.LoadLab.dll"),
            "start-worker", name, configuration, ((int)idle.TotalMilliseconds).ToString(CultureInfo.InvariantCulture));
        using var process = Process.Start(start)!;
        var lines = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync();
        return lines.Length == 2
            ? (double.Parse(lines[0], CultureInfo.InvariantCulture), lines[1])
            : throw new LabException($"The process of {name} has ended: what it said is above.");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
