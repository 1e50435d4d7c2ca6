using ShardedCache.LoadLab.History;
using ShardedCache.LoadLab.Scenarios;
using ShardedCache.LoadLab.Workers;

namespace ShardedCache.LoadLab.Failover;

/// <summary>Makes the report of a run out of what was recorded. Pure.</summary>
internal static class Verdict
{
    public static ScenarioReport Of(Scenario scenario, ScenarioRun run, Recording recording)
    {
        var (operations, times) = (recording.Operations, recording.Times);
        var findings = HistoryChecker.Check(operations, run.Events, times.Baseline);
        var latency = LatencyReport.Of(operations, times, Ticks.Of(Promised.InFlight));
        var gap = GapMeter.Longest(findings.ReadsOfExisting.Where(read => read.End >= times.Fault));
        var failed = operations.Where(static operation => operation.Outcome == Outcome.Failed).ToArray();
        var errors = failed.Where(operation => !IsAllowed(operation, run.Allowances, recording.ErrorOf(operation))).ToArray();
        var report = new ScenarioReport
        {
            Scenario = scenario.Name,
            Mode = run.Settings.Mode ?? "default",
            Seed = run.Settings.Seed,
            Operations = operations.Count,
            Acknowledged = operations.Count(static operation => operation.IsAcknowledgedWrite),
            Lost = findings.Lost.Count,
            Resurrected = findings.Resurrected.Count,
            Stale = findings.Stale.Count,
            Missed = findings.Missed.Count,
            WrongBytes = findings.Wrong.Count,
            Unavoidable = findings.Unavoidable.Count,
            Errors = errors.Length,
            AllowedErrors = failed.Length - errors.Length,
            Hung = operations.Count(static operation => operation.Outcome == Outcome.Pending),
            GapMs = Rounded(Ticks.Milliseconds(gap.Ticks)),
            MaxMs = Rounded(latency.MaxMilliseconds),
            HealthyP99Ratio = Math.Round(latency.HealthyP99Ratio, 2),
            SlowShareFailed = Math.Round(latency.FailedSlowShare, 4),
            SlowShareHealthy = Math.Round(latency.HealthySlowShare, 4),
            SlowShareAllowed = Math.Round(latency.AllowedSlowShare, 4),
            PromotionMs = run.PromotionMilliseconds is { } promotion ? Rounded(promotion) : null,
            RecoveredMs = Rounded(Ticks.Milliseconds(times.Over - (times.Moments.Count > 0 ? times.Moments[^1] : times.Over))),
            LatestStartMs = Rounded(recording.Statistics.Max(static worker => worker.LatestStartMilliseconds)),
            Seconds = Rounded(Ticks.Milliseconds(recording.End - recording.Start) / 1000),
            MostConnectionsToOneServer = recording.MostConnections,
            ManagedBytes = [.. recording.Statistics.Select(static worker => worker.ManagedBytes)],
            LogLines = recording.Statistics.SelectMany(static worker => worker.LogLines).GroupBy(static line => line.Key)
                .OrderBy(static lines => lines.Key).ToDictionary(static lines => lines.Key, static lines => lines.Sum(static line => line.Value)),
            Notes = [.. run.Notes, $"longest gap began at {Ticks.Milliseconds(gap.At - times.Baseline):0} ms, first failure at {Ticks.Milliseconds(times.Fault - times.Baseline):0} ms, healthy at {Ticks.Milliseconds(times.Over - times.Baseline):0} ms"],
            Examples = Examples(findings, errors, recording, times.Baseline),
            Histories = findings.Keys.ToDictionary(static key => key, key => KeyStory.Tell(operations, key, times.Baseline)),
            Log = recording.Statistics[0].FirstLogLines,
        };
        return report with { Failures = [.. Gates.Failures(report, scenario.Promises, run, recording)] };
    }

    private static bool IsAllowed(Operation operation, IReadOnlyList<ErrorAllowance> allowances, string error) => allowances.Any(allowance =>
        operation.End >= allowance.Start && operation.Start <= allowance.End && error.StartsWith(allowance.Text, StringComparison.Ordinal));

    private static Dictionary<string, IReadOnlyList<string>> Examples(Findings findings, Operation[] errors, Recording recording, long origin)
    {
        var examples = new Dictionary<string, IReadOnlyList<string>>
        {
            ["lost"] = findings.Lost.Examples,
            ["resurrected"] = findings.Resurrected.Examples,
            ["stale"] = findings.Stale.Examples,
            ["missed"] = findings.Missed.Examples,
            ["wrong_bytes"] = findings.Wrong.Examples,
            ["unavoidable"] = [.. findings.Unavoidable.Examples.Take(3)],
            ["errors"] = [.. errors.Take(Findings.Examples).Select(operation =>
                $"{operation.Kind} of process {operation.Process} on shard {operation.Shard} at {Ticks.Milliseconds(operation.Start - origin):0.0} ms, after {Ticks.Milliseconds(operation.End - operation.Start):0.0} ms: {recording.ErrorOf(operation)}")],
        };
        return examples.Where(static pair => pair.Value.Count > 0).ToDictionary();
    }

    private static double Rounded(double value) => Math.Round(value, 1);
}
