using ShardedCache.LoadLab.History;
using ShardedCache.LoadLab.Network;
using ShardedCache.LoadLab.Scenarios;
using ShardedCache.LoadLab.Workers;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Failover;

/// <summary>Runs one scenario: a farm and workers of its own, load, the fault, the end, the verdict.</summary>
internal static class ScenarioRunner
{
    private const int WorkerCount = 2;

    /// <summary>One of the clocks is wrong.</summary>
    private const int ClockOffsetMilliseconds = 5000;

    public static async Task<ScenarioReport> RunAsync(Scenario scenario, RunSettings settings, CancellationToken cancellationToken = default)
    {
        var whyNot = string.Empty;
        using var network = scenario.NeedsNetwork ? CutNetwork.TryCreate(out whyNot) : null;
        if (scenario.NeedsNetwork && network is null)
        {
            return new ScenarioReport { Scenario = scenario.Name, NotRunnable = whyNot };
        }

        var options = new RedisFarmOptions { Shards = 3 };
        if (network is not null)
        {
            (options.NetworkNamespace, options.BindAddress) = (network.Farm, network.FarmAddress);
        }

        scenario.Configure(options);
        await using var farm = await RedisFarm.StartAsync(options, cancellationToken);
        var run = new ScenarioRun(farm, network, settings, cancellationToken);
        await using var lineage = await Lineage.FollowAsync(run);
        await scenario.PrepareAsync(run);
        await using var crew = await Crew.StartAsync(run, WorkerCount, Settings, cancellationToken);
        run.Workers = crew.Workers;
        var recording = await RecordAsync(scenario, run, crew);
        lineage.Tell();
        return Verdict.Of(scenario, run, recording);

        WorkerSettings Settings(int process) => new()
        {
            Process = process,
            Workers = WorkerCount,
            ConnectionString = farm.ConnectionString,
            Shards = [.. farm.Shards.Select(static shard => shard.Name)],
            Mode = settings.Mode,
            Transport = settings.Transport,
            HighestRate = settings.HighestRate,
            Seed = settings.Seed,
            ClockOffsetMilliseconds = process == 1 ? (settings.Seed % 2 == 0 ? -ClockOffsetMilliseconds : ClockOffsetMilliseconds) : 0,
            LongestSeconds = scenario.IsLong ? 400 : 120,
        };
    }

    private static async Task<Recording> RecordAsync(Scenario scenario, ScenarioRun run, Crew crew)
    {
        var settings = run.Settings;
        var rates = settings.Rate == RunSettings.AutomaticRate && scenario.HasBaseline ? await crew.MeasureAsync() : null;
        var start = Ticks.Now;
        await crew.AllAsync(process => $"load {rates?[process] ?? (settings.Rate == RunSettings.AutomaticRate ? RunSettings.DefaultRate : settings.Rate)}");
        if (scenario.HasBaseline)
        {
            await Task.Delay(settings.WarmUp, run.Cancellation);

            // On a busy machine a start may take longer than that, and what it left to be delivered would meet the fault.
            await crew.WaitForRecoveryAsync();
        }

        var baseline = Ticks.Now;
        if (scenario.HasBaseline)
        {
            await Task.Delay(settings.Baseline, run.Cancellation);
        }

        await scenario.BreakAsync(run);
        await crew.WaitForRecoveryAsync();
        var over = Ticks.Now;
        var rest = TimeSpan.FromSeconds(settings.Seconds) - TimeSpan.FromMilliseconds(Ticks.Milliseconds(over - start));
        await Task.Delay(rest > settings.Settle ? rest : settings.Settle, run.Cancellation);
        await crew.FinishAsync();
        var end = Ticks.Now;
        var times = new FaultTimes(baseline, run.Moments, over, run.Failed);
        return await crew.CollectAsync(times, start, end);
    }
}
