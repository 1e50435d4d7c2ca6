using System.Globalization;
using System.Text;
using ShardedCache.LoadLab.History;
using ShardedCache.LoadLab.Workers;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Failover;

/// <summary>The workers of a run, and the process that comes at its end and reads everything.</summary>
internal sealed class Crew : IAsyncDisposable
{
    private static readonly TimeSpan LongestRecovery = TimeSpan.FromSeconds(40);

    private readonly ScenarioRun _run;
    private readonly Func<int, WorkerSettings> _settings;
    private readonly List<WorkerClient> _workers = [];
    private readonly List<string> _complaints = [];
    private WorkerClient? _reader;
    private int _probes;

    private Crew(ScenarioRun run, Func<int, WorkerSettings> settings) => (_run, _settings) = (run, settings);

    public IReadOnlyList<WorkerClient> Workers => _workers;

    public static async Task<Crew> StartAsync(ScenarioRun run, int count, Func<int, WorkerSettings> settings, CancellationToken cancellationToken)
    {
        var crew = new Crew(run, settings);
        try
        {
            // The first of them lives where it can be cut off.
            crew._workers.AddRange(await Task.WhenAll(Enumerable.Range(0, count).Select(process =>
                WorkerClient.StartAsync(settings(process), process == 0 ? run.WorkerNamespace : null, cancellationToken))));
            return crew;
        }
        catch
        {
            await crew.DisposeAsync();
            throw;
        }
    }

    /// <summary>Calls per second that each worker shall make, from what they get through together.</summary>
    public async Task<int[]> MeasureAsync()
    {
        var capacities = await Task.WhenAll(_workers.Select(static async worker => int.Parse(await worker.AskAsync("measure"), CultureInfo.InvariantCulture)));
        var rates = capacities.Select(capacity => Math.Clamp((int)(capacity * RunSettings.ShareOfCapacity), 1, _run.Settings.HighestRate)).ToArray();
        _run.Notes.Add($"capacity {string.Join(" + ", capacities)} operations/s; load {string.Join(" + ", rates)}");
        return rates;
    }

    public async Task AllAsync(Func<int, string> command)
    {
        foreach (var (worker, answer) in _workers.Zip(await Task.WhenAll(_workers.Select(worker => worker.AskAsync(command(worker.Settings.Process))))))
        {
            if (answer.Contains("never came back", StringComparison.Ordinal))
            {
                _complaints.Add($"process {worker.Settings.Process}: {answer}");
            }
        }
    }

    /// <summary>
    /// Until what each worker writes can be seen on every shard's master itself. A cache that answers from its tier would
    /// look healthy to its callers.
    /// </summary>
    public async Task WaitForRecoveryAsync()
    {
        await Task.WhenAll(_workers.Select(WaitForAsync));
    }

    /// <summary>The load stops, and everybody reads everything.</summary>
    public async Task FinishAsync()
    {
        _reader = await WorkerClient.StartAsync(_settings(_workers.Count), null, _run.Cancellation);
        await WaitForAsync(_reader);
        await AllAsync(static _ => "stop");

        // Touches and the like go out behind their operations.
        await Task.Delay(300, _run.Cancellation);
        await Task.WhenAll([.. _workers.Select(static worker => worker.AskAsync("read")), _reader.AskAsync("read")]);
    }

    public async Task<Recording> CollectAsync(FaultTimes times, long start, long end)
    {
        var connections = await Task.WhenAll(_run.Farm.Shards.SelectMany(static shard => shard.Servers).Select(ConnectionsAsync));
        var operations = new List<Operation>();
        var errors = new Dictionary<byte, string[]>();
        WorkerClient[] everybody = [.. _workers, _reader!];
        foreach (var worker in everybody)
        {
            var path = Path.Combine(_run.Farm.Directory, $"operations-{worker.Settings.Process}.bin");
            await worker.AskAsync($"save {path}");
            (var ofWorker, errors[(byte)worker.Settings.Process]) = OperationLog.Load(path);

            // One that never came back ends when it was given up.
            operations.AddRange(ofWorker.Where(static operation => operation.Start > 0)
                .Select(operation => operation.Outcome == Outcome.Pending ? operation with { End = end } : operation));
        }

        var statistics = await Task.WhenAll(_workers.Select(static worker => worker.StatisticsAsync()));
        _complaints.AddRange(everybody.Where(static worker => worker.Errors.Trim().Length > 0)
            .Select(static worker => $"process {worker.Settings.Process} wrote to its standard error: {worker.Errors}"));
        return new Recording
        {
            Operations = operations,
            Errors = errors,
            Times = times,
            Start = start,
            End = end,
            Statistics = statistics,
            Processes = everybody.Length,
            MostConnections = connections.Max(),
            Complaints = _complaints,
        };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }

        if (_reader is not null)
        {
            await _reader.DisposeAsync();
        }
    }

    private static async Task<int> ConnectionsAsync(RedisProcess server)
    {
        try
        {
            var clients = await server.ExecuteAsync("CLIENT", "LIST");
            return clients.Split('\n').Count(static line => line.Contains("name=ShardedCache", StringComparison.Ordinal));
        }
        catch (RedisFarmException)
        {
            return 0;
        }
    }

    private async Task WaitForAsync(WorkerClient worker)
    {
        var deadline = Ticks.Now + Ticks.Of(LongestRecovery);
        while (true)
        {
            var token = $"probe-{Interlocked.Increment(ref _probes)}";
            var answer = await worker.AskAsync($"probe {token}", cancellationToken: _run.Cancellation);
            var unseen = await UnseenAsync(worker, token);
            if (unseen is null)
            {
                return;
            }

            if (Ticks.Now > deadline)
            {
                _complaints.Add($"what process {worker.Settings.Process} writes is not seen on the master of {unseen} after {LongestRecovery.TotalSeconds} s ({answer})");
                return;
            }

            await Task.Delay(50, _run.Cancellation);
        }
    }

    private async Task<string?> UnseenAsync(WorkerClient worker, string token)
    {
        foreach (var (index, shard) in _run.Farm.Shards.Index())
        {
            try
            {
                var master = await shard.GetMasterAsync(_run.Cancellation);
                var bytes = await master.GetBytesAsync(worker.ProbeKeys[index], _run.Cancellation);
                if (bytes is null || !bytes.AsSpan().EndsWith(Encoding.UTF8.GetBytes(token)))
                {
                    return shard.Name;
                }
            }
            catch (RedisFarmException e)
            {
                return $"{shard.Name}: {e.Message}";
            }
        }

        return null;
    }
}
