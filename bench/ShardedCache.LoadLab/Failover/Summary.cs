using System.Globalization;

namespace ShardedCache.LoadLab.Failover;

/// <summary>A report for people.</summary>
internal static class Summary
{
    public static void Print(TextWriter output, ScenarioReport report)
    {
        if (report.NotRunnable is not null)
        {
            output.WriteLine($"  NOT RUN: {report.NotRunnable}");
            return;
        }

        Line($"  {report.Acknowledged} writes acknowledged of {report.Operations} operations in {report.Seconds} s ({report.Mode}, seed {report.Seed})");
        Line($"  lost {report.Lost}  resurrected {report.Resurrected}  stale {report.Stale}  missed {report.Missed}  errors {report.Errors} (+{report.AllowedErrors} right)  wrong bytes {report.WrongBytes}  unavoidable {report.Unavoidable}");
        Line($"  gap {report.GapMs} ms  slowest {report.MaxMs} ms (load late by {report.LatestStartMs} ms at worst)  healthy p99 x{report.HealthyP99Ratio}");
        Line($"  over 5 ms: {report.SlowShareFailed:P2} on failed shards, {report.SlowShareHealthy:P2} on healthy ones (allowed {report.SlowShareAllowed:P2})");
        Line($"  promotion {report.PromotionMs?.ToString(CultureInfo.InvariantCulture) ?? "-"} ms  recovered {report.RecoveredMs} ms after the last failure  connections {report.MostConnectionsToOneServer}  log lines {report.LogLines.Values.Sum()}");
        foreach (var note in report.Notes)
        {
            output.WriteLine($"  note: {note}");
        }

        foreach (var (kind, examples) in report.Examples)
        {
            foreach (var example in examples.Take(3))
            {
                output.WriteLine($"    {kind}: {example}");
            }
        }

        foreach (var failure in report.Failures)
        {
            output.WriteLine($"  FAILED: {failure}");
        }

        output.WriteLine(report.Holds ? "  all holds" : $"  {report.Failures.Count} did not hold");

        void Line(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
    }
}
