namespace ShardedCache.LoadLab.History;

/// <summary>When what was broken.</summary>
/// <param name="Baseline">From here on the load is warm and everything healthy.</param>
/// <param name="Moments">Each failure of its own, in order.</param>
/// <param name="Over">Everything is healthy again.</param>
/// <param name="Failed">Indexes of the shards that were touched.</param>
internal sealed record FaultTimes(long Baseline, IReadOnlyList<long> Moments, long Over, IReadOnlySet<int> Failed)
{
    public long Fault => Moments.Count > 0 ? Moments[0] : Over;
}
