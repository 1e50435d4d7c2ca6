using System.Globalization;
using System.Text.Json;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>
/// Clients side by side on servers that the run starts itself: in each cell the subjects take turns, round by round, so that a noisy
/// machine hits all alike; a row holds the medians.
/// </summary>
internal static class ThroughputCommand
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    public static async Task<int> RunAsync(string[] arguments)
    {
        if (Selection.From(arguments) is not { } selection)
        {
            Console.Error.WriteLine("usage: throughput [--quick] [--ops A,B] [--payloads N,N] [--inflight N,N] [--shards N,N] [--subjects A,B] [--rounds N] [--round-ms N] [--json FILE]");
            return 2;
        }

        var rows = await MeasureAsync(selection);
        if (selection.Json is { } path)
        {
            await File.WriteAllTextAsync(path, JsonSerializer.Serialize(rows, Json));
        }

        return 0;
    }

    /// <summary>Prints each row as it is complete.</summary>
    public static async Task<IReadOnlyList<Row>> MeasureAsync(Selection selection)
    {
        var rows = new List<Row>();
        foreach (var cells in selection.Cells.GroupBy(static cell => cell.Shards))
        {
            // Fixed servers without replicas: what is measured is the clients. Tier and journal are on, as they always are.
            await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions
            {
                Shards = cells.Key,
                ReplicasPerShard = 0,
                Sentinels = 0,
                ServerConfiguration = { "save \"\"", "appendonly no" },
            });
            await using var run = await Run.StartAsync(farm, selection);
            foreach (var cell in cells)
            {
                await foreach (var row in run.MeasureAsync(cell))
                {
                    rows.Add(row);
                    Console.WriteLine(row.ToString());
                }
            }
        }

        return rows;
    }

    /// <summary>The processes of the subjects on one farm.</summary>
    private sealed class Run : IAsyncDisposable
    {
        private readonly RedisFarm _farm;
        private readonly Selection _selection;
        private readonly List<SubjectProcess> _processes = [];

        private Run(RedisFarm farm, Selection selection) => (_farm, _selection) = (farm, selection);

        public static async Task<Run> StartAsync(RedisFarm farm, Selection selection)
        {
            var run = new Run(farm, selection);
            foreach (var name in selection.Subjects.Where(name => Subjects.Serves(name, farm.Shards.Count) && Subjects.PipelineOf(name) is null))
            {
                run._processes.Add(await Subjects.StartAsync(name, farm));
            }

            return run;
        }

        public async IAsyncEnumerable<Row> MeasureAsync(Cell cell)
        {
            var takers = Takers(cell).ToList();
            if (takers.Any(static taker => Subjects.PipelineOf(taker.Name) is not null))
            {
                await RedisBenchmark.FillAsync(cell, _farm.Shards[0].InitialMaster.Port);
            }

            foreach (var process in _processes.Where(process => process.Operations.Contains(cell.Op)))
            {
                await process.WarmUpAsync(cell);
            }

            var figures = takers.ToDictionary(static taker => taker.Name, static _ => new List<Figures>());

            // The first round does not count; where each begins in turn, none always follows the same one.
            for (var round = 0; round <= _selection.Rounds; round++)
            {
                for (var i = 0; i < takers.Count; i++)
                {
                    var (name, take) = takers[(i + round) % takers.Count];
                    var before = await ServerCpuAsync();
                    var taken = await take();
                    var servers = await ServerCpuAsync() - before;
                    if (round > 0)
                    {
                        figures[name].Add(taken with { ServerCpu = servers / (taken.OpsPerSecond * _selection.Round.TotalSeconds) });
                    }
                }
            }

            foreach (var (name, _) in takers)
            {
                yield return Row.Of(name, cell, figures[name]);
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var process in _processes)
            {
                await process.DisposeAsync();
            }
        }

        private IEnumerable<(string Name, Func<Task<Figures>> Take)> Takers(Cell cell)
        {
            foreach (var process in _processes.Where(process => process.Operations.Contains(cell.Op)))
            {
                yield return (process.Name, () => process.RunAsync(cell, _selection.Round));
            }

            foreach (var name in _selection.Subjects)
            {
                if (Subjects.PipelineOf(name) is { } pipeline && RedisBenchmark.Has(cell, pipeline))
                {
                    var expected = 100_000.0;
                    yield return (name, async () =>
                    {
                        var taken = await RedisBenchmark.RunAsync(cell, _farm.Shards[0].InitialMaster.Port, pipeline, _selection.Round, expected);
                        expected = taken.OpsPerSecond;
                        return taken;
                    }
                    );
                }
            }
        }

        /// <summary>Microseconds of all servers.</summary>
        private async Task<double> ServerCpuAsync()
        {
            var total = 0.0;
            foreach (var shard in _farm.Shards)
            {
                var info = await shard.InitialMaster.ExecuteAsync("INFO", "cpu");
                total += info.Split('\n').Where(static line => line.StartsWith("used_cpu_sys:", StringComparison.Ordinal) || line.StartsWith("used_cpu_user:", StringComparison.Ordinal))
                    .Sum(static line => double.Parse(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim(), CultureInfo.InvariantCulture));
            }

            return total * 1e6;
        }
    }
}
