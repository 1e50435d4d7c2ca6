namespace ShardedCache.LoadLab.History;

/// <summary>What the recorded latencies say about a fault.</summary>
/// <param name="MaxMilliseconds">The slowest operation since the fault.</param>
/// <param name="FailedSlowShare">Of the operations on failed shards, outside what was in flight at a failure: the share above 5 ms.</param>
/// <param name="HealthySlowShare">The same on healthy shards at the same time or, where there was none, on all shards before.</param>
/// <param name="AllowedSlowShare">The healthy share, and what chance and a noisy machine may add.</param>
/// <param name="HealthyP99Ratio">p99 on healthy shards during the fault by p99 on the same shards before it, each the median of five windows; 0 where one is missing.</param>
internal sealed record LatencyReport(
    double MaxMilliseconds, double FailedSlowShare, double HealthySlowShare, double AllowedSlowShare, double HealthyP99Ratio)
{
    private const int Windows = 5;
    private const int LeastOfWindow = 20;

    private static readonly long Slow = Ticks.Of(5);

    public static LatencyReport Of(IReadOnlyList<Operation> operations, FaultTimes times, long inFlight)
    {
        var during = operations.Where(operation => operation.Start >= times.Fault && operation.Start < times.Over && !operation.IsFinal).ToArray();

        // A batch is as slow as the slowest of its shards: it says nothing about a healthy one.
        bool IsOfHealthy(Operation operation) => !times.Failed.Contains(operation.Shard) && operation.Form != CallForm.Batch;
        var baseline = operations.Where(operation => operation.Start >= times.Baseline && operation.End < times.Fault).ToArray();
        var before = baseline.Where(IsOfHealthy).ToArray();
        var healthy = during.Where(IsOfHealthy).ToArray();

        bool IsInFlight(Operation operation) => times.Moments.Any(moment =>
            operation.Start + Math.Min(operation.End - operation.Start, inFlight) >= moment && operation.Start <= moment + inFlight);
        var failed = during.Where(operation => times.Failed.Contains(operation.Shard) && !IsInFlight(operation)).ToArray();

        // At the same times, for what stalls the machine stalls all shards. Where no shard stayed healthy, the time before is the next best
        // measure; where there was none, nothing is.
        var beside = healthy.Where(operation => !IsInFlight(operation)).ToArray();
        var reference = beside.Length > 0 ? beside : baseline;
        var (failedShare, healthyShare) = (SlowShare(failed), SlowShare(reference));
        var deviation = Math.Sqrt(Math.Max(healthyShare, 0.01) * (1 - Math.Min(healthyShare, 0.99)) / Math.Max(failed.Length, 1));
        var allowed = reference.Length > 0 ? healthyShare + Math.Max(0.01, 4 * deviation) : 1;
        var p99Before = P99(before, times.Baseline, times.Fault);
        var ratio = p99Before > 0 ? P99(healthy, times.Fault, times.Over) / p99Before : 0;
        return new(
            Ticks.Milliseconds(during.Length == 0 ? 0 : during.Max(static operation => operation.End - operation.Start)),
            failedShare,
            healthyShare,
            allowed,
            ratio);
    }

    private static double SlowShare(Operation[] operations) =>
        operations.Length == 0 ? 0 : (double)operations.Count(static operation => operation.End - operation.Start > Slow) / operations.Length;

    /// <summary>The median of windows, so that one stall of the machine does not decide.</summary>
    private static double P99(Operation[] operations, long from, long to)
    {
        var width = Math.Max(1, (to - from) / Windows);
        var values = operations.GroupBy(operation => Math.Min(Windows - 1, (operation.Start - from) / width))
            .Where(static window => window.Count() >= LeastOfWindow)
            .Select(static window => P99(window))
            .Order()
            .ToArray();
        return values.Length == 0 ? 0 : values[values.Length / 2];
    }

    private static double P99(IEnumerable<Operation> window)
    {
        var latencies = window.Select(static operation => operation.End - operation.Start).Order().ToArray();
        return latencies[(int)(latencies.Length * 0.99)];
    }
}
