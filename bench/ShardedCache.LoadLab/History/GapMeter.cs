namespace ShardedCache.LoadLab.History;

/// <summary>
/// The longest time for which reads of existing keys went unanswered, of one process on one shard. A read counts when its
/// process knows beyond doubt that its key exists (it wrote or read the value itself, and nothing can have removed it); it is
/// answered when it returns a value, wherever that came from. From the moment at which any such read was asked, the gap lasts
/// until the first of the reads that were asked then or later is answered. A read that throws, misses or hangs so begins or
/// prolongs a gap; a single slow read beside prompt ones does not. The interval between two reads of the load (some ms) is
/// the least that can be measured.
/// </summary>
internal static class GapMeter
{
    public static (long Ticks, long At) Longest(IEnumerable<Operation> readsOfExisting)
    {
        var longest = (Ticks: 0L, At: 0L);
        foreach (var reads in readsOfExisting.GroupBy(static read => (read.Process, read.Shard)))
        {
            var ordered = reads.OrderByDescending(static read => read.Start).ToArray();
            var answered = long.MaxValue;
            foreach (var read in ordered)
            {
                answered = read.Outcome == Outcome.Hit ? Math.Min(answered, read.End) : answered;

                // Nothing was read after the last answer: what would have come is unknown, but for this read's own end.
                var until = answered == long.MaxValue ? read.End : answered;
                if (until - read.Start > longest.Ticks)
                {
                    longest = (until - read.Start, read.Start);
                }
            }
        }

        return longest;
    }
}
