using System.Diagnostics;
using System.Globalization;
using System.Runtime;
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

    /// <param name="idle">So long a process is left alone, then it is measured for as long.</param>
    public static async Task<int> RunAsync(TimeSpan idle)
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 1 });
        var master = farm.Shards[0].InitialMaster;
        string ConfigurationOf(string name) => name == "by-hand" ? string.Create(CultureInfo.InvariantCulture, $"{master.Host}:{master.Port}") : farm.ConnectionString;
        var results = Names.ToDictionary(static name => name, static _ => new List<FirstAnswer>());
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var name in Names)
            {
                var (first, _) = await MeasureAsync(name, ConfigurationOf(name), TimeSpan.Zero);
                if (round > 0)
                {
                    results[name].Add(first);
                }
            }
        }

        foreach (var (name, times) in results)
        {
            var (milliseconds, again, jit, methods) = Median(times);
            Print($"{name,-14} first answer after {milliseconds,6:0.0} ms, {milliseconds - Median(results["by-hand"]).Milliseconds,6:0.0} ms more than by hand; {methods} methods compiled in {jit:0.0} ms; a second one in the same process {again:0.0} ms");
        }

        foreach (var name in Names)
        {
            var (_, taken) = await MeasureAsync(name, ConfigurationOf(name), idle);
            Print($"{name,-14} idle for {idle.TotalSeconds:0} s: {taken}");
        }

        return 0;
    }

    /// <summary>The part of a process that <see cref="RunAsync"/> has started.</summary>
    public static async Task<int> RunWorkerAsync(string name, string configuration, int idleMilliseconds)
    {
        var first = await FirstAnswerAsync(name, configuration);
        var (compiling, methods) = (JitInfo.GetCompilationTime().TotalMilliseconds, JitInfo.GetCompiledMethodCount());
        var again = await FirstAnswerAsync(name, configuration);
        Print($"{first.Milliseconds:0.0} {again.Milliseconds:0.0} {compiling:0.0} {methods}");
        await again.Client.DisposeAsync();
        using var process = Process.GetCurrentProcess();

        // What the start has begun comes to its end first.
        await Task.Delay(idleMilliseconds);
        process.Refresh();
        var cpu = process.TotalProcessorTime;
        await Task.Delay(idleMilliseconds);
        process.Refresh();
        var share = idleMilliseconds == 0 ? 0 : (process.TotalProcessorTime - cpu).TotalMilliseconds / idleMilliseconds * 100;
        Print($"{share:0.00} % of a processor, working set {process.WorkingSet64 / 1048576.0:0} MiB");
        await first.Client.DisposeAsync();
        return 0;
    }

    private static async Task<(double Milliseconds, IAsyncDisposable Client)> FirstAnswerAsync(string name, string configuration)
    {
        var started = Stopwatch.GetTimestamp();
        IAsyncDisposable client;
        if (name == "by-hand")
        {
            var multiplexer = await ConnectionMultiplexer.ConnectAsync(configuration);
            await multiplexer.GetDatabase().StringGetAsync("nothing");
            client = multiplexer;
        }
        else
        {
            var provider = new ServiceCollection()
                .AddShardedRedisCache(options => options.Configuration = configuration + (name == "sharded-resp" ? ",transport=resp" : ""))
                .BuildServiceProvider();
            await provider.GetRequiredService<IDistributedCache>().GetAsync("nothing");
            client = provider;
        }

        return (Stopwatch.GetElapsedTime(started).TotalMilliseconds, client);
    }

    private static async Task<(FirstAnswer First, string Idle)> MeasureAsync(string name, string configuration, TimeSpan idle)
    {
        var start = SubjectProcess.HostOf(
            Path.Combine(AppContext.BaseDirectory, "ShardedCache.LoadLab.dll"),
            "start-worker", name, configuration, ((int)idle.TotalMilliseconds).ToString(CultureInfo.InvariantCulture));
        using var process = Process.Start(start)!;
        var lines = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync();
        return lines.Length == 2 && lines[0].Split(' ').Select(static number => double.Parse(number, CultureInfo.InvariantCulture)).ToArray() is [var first, var again, var jit, var methods]
            ? (new FirstAnswer(first, again, jit, (int)methods), lines[1])
            : throw new LabException($"The process of {name} has ended: what it said is above.");
    }

    private static FirstAnswer Median(List<FirstAnswer> values) => values.OrderBy(static value => value.Milliseconds).ElementAt(values.Count / 2);

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private readonly record struct FirstAnswer(double Milliseconds, double Again, double JitMilliseconds, int Methods);
}
