namespace ShardedCache.LoadLab.History;

/// <summary>
/// Holds the merged history of all processes against what the cache promises. Pure. "Before" is certain order only
/// (<see cref="Write.IsBefore"/>): of two writes that overlap, either may have won.
/// </summary>
internal static class HistoryChecker
{
    public static Findings Check(IEnumerable<Operation> operations, IReadOnlyList<ShardEvent> events, long origin = 0)
    {
        var findings = new Findings();
        foreach (var ofKey in operations.GroupBy(static operation => operation.Key))
        {
            var ordered = ofKey.OrderBy(static operation => operation.Start).ToArray();
            var ofShard = events.Where(e => e.Shard == ordered[0].Shard).ToArray();
            new KeyChecker(ordered, ofShard, findings, origin).Check();
        }

        return findings;
    }
}
