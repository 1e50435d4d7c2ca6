using System.Globalization;
using ShardedCache.LoadLab.Workers;

namespace ShardedCache.LoadLab.Failover;

/// <summary>What must hold for a run to be good.</summary>
internal static class Gates
{
    /// <summary>Twice its own baseline, in the middle of five windows.</summary>
    private const double MaxHealthyP99Ratio = 2;

    /// <summary>Without strict latencies a stall of the machine is forgiven, not a caller that waits out several time-outs.</summary>
    private static readonly TimeSpan Forgiven = TimeSpan.FromSeconds(2);

    public static IEnumerable<string> Failures(ScenarioReport report, Promises promises, ScenarioRun run, Recording recording)
    {
        foreach (var missing in run.Missing)
        {
            yield return $"the fault did not happen: {missing}";
        }

        foreach (var complaint in recording.Complaints)
        {
            yield return complaint;
        }

        if (report.WrongBytes > 0)
        {
            yield return $"{report.WrongBytes} reads returned bytes that nobody wrote under the key";
        }

        if (report.Hung > 0)
        {
            yield return $"{report.Hung} operations never came back";
        }

        // The other modes promise neither to keep writes nor to hide a failure.
        if (run.Settings.IsLocalTier)
        {
            foreach (var (count, what) in new[]
            {
                (report.Lost, "acknowledged sets lost"),
                (report.Resurrected, "removed or expired values read"),
                (report.Stale, "values read that the process knew to be replaced"),
                (report.Missed, "reads missed a value that the process itself had written or read"),
                (report.Errors, "errors reached a caller"),
            })
            {
                if (count > 0)
                {
                    yield return $"{count} {what}";
                }
            }
        }

        foreach (var failure in LatencyFailures(report, promises, run).Concat(Bounds(report, promises, run, recording)))
        {
            yield return failure;
        }
    }

    /// <summary>Adds to a scenario's last report what is judged over its runs together: p99 of a single one is also what else the machine did.</summary>
    public static ScenarioReport OfAllRuns(IReadOnlyList<ScenarioReport> reports)
    {
        var last = reports[^1];
        var median = reports.Select(static report => report.HealthyP99Ratio).Order().ElementAt(reports.Count / 2);
        var figure = Text($"p99 on healthy shards was {median} times its baseline (median of {reports.Count})");
        return median > MaxHealthyP99Ratio ? last with { Failures = [.. last.Failures, figure] } : last with { Notes = [.. last.Notes, figure] };
    }

    private static IEnumerable<string> LatencyFailures(ScenarioReport report, Promises promises, ScenarioRun run)
    {
        var forgiven = run.Settings.StrictLatency ? TimeSpan.Zero : Forgiven;
        if (promises.GapCounts && run.Settings.IsLocalTier && report.GapMs > (promises.MaxGap + forgiven).TotalMilliseconds)
        {
            yield return Text($"reads of existing keys went unanswered for {report.GapMs} ms; promised: {promises.MaxGap.TotalMilliseconds} ms");
        }

        if (promises.GapCounts && report.MaxMs > (Promised.InFlight + forgiven).TotalMilliseconds)
        {
            yield return Text($"an operation took {report.MaxMs} ms; promised: {Promised.InFlight.TotalMilliseconds} ms");
        }

        if (run.Settings.StrictLatency && report.SlowShareFailed > report.SlowShareAllowed)
        {
            yield return Text($"{report.SlowShareFailed:P2} of the operations on failed shards took more than 5 ms; allowed beside the healthy ones' {report.SlowShareHealthy:P2}: {report.SlowShareAllowed:P2}");
        }
    }

    private static IEnumerable<string> Bounds(ScenarioReport report, Promises promises, ScenarioRun run, Recording recording)
    {
        if (report.MostConnectionsToOneServer > promises.ConnectionsPerServer * recording.Processes)
        {
            yield return $"{report.MostConnectionsToOneServer} connections to one server, of {recording.Processes} processes";
        }

        var allowed = Math.Max(promises.LogLinesAtLeast, promises.LogLinesPerFault * run.Moments.Count);
        foreach (var (process, worker) in recording.Statistics.Index())
        {
            if (worker.LogLines.Values.Sum() is var lines && lines > allowed)
            {
                yield return $"process {process} logged {lines} lines; allowed: {allowed}";
            }

            if (worker.ManagedBytes > MaxManagedBytes)
            {
                yield return $"process {process} holds {worker.ManagedBytes >> 20} MiB";
            }

            if (worker.UnobservedExceptions.Count > 0)
            {
                yield return $"process {process} left {worker.UnobservedExceptions.Count} exceptions unobserved: {worker.UnobservedExceptions[0]}";
            }
        }
    }

    /// <summary>The worker's own record, the tier's and the journal's limits, and what is needed besides.</summary>
    private const long MaxManagedBytes = 200L << 20;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
