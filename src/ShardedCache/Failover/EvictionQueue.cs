namespace ShardedCache.Failover;

/// <summary>
/// Which of a stripe's copies is to be evicted next: each object once, in the order in which they became copies. Who is no copy any more stays until
/// it is met: to take it out of a list, each write would fetch its two neighbours from memory.
/// </summary>
internal sealed class EvictionQueue
{
    private readonly Queue<LocalEntry> _entries = new();

    public int Count => _entries.Count;

    /// <param name="entry">Has become a copy.</param>
    /// <param name="maxEntries">How many there are at most; beyond twice as many, those that are none any more are dropped.</param>
    public void Add(LocalEntry entry, int maxEntries)
    {
        if (entry.IsQueued)
        {
            // Its place is behind the others, and it goes there when it is met.
            entry.IsQueuedAgain = true;
            return;
        }

        for (var left = _entries.Count > 2 * maxEntries ? _entries.Count : 0; left > 0; left--)
        {
            var next = _entries.Dequeue();
            if (IsCopy(next))
            {
                _entries.Enqueue(next);
            }
            else
            {
                next.IsQueued = false;
            }
        }

        Requeue(entry);
    }

    public void Requeue(LocalEntry entry)
    {
        (entry.IsQueued, entry.IsQueuedAgain) = (true, false);
        _entries.Enqueue(entry);
    }

    /// <summary>Takes the next one out; null where it is no copy, or not the next any more.</summary>
    public LocalEntry? Next()
    {
        var next = _entries.Dequeue();
        next.IsQueued = false;
        if (IsCopy(next) && next.IsQueuedAgain)
        {
            // It is as good as used, and has one second chance for both.
            next.WasUsed = false;
            Requeue(next);
            return null;
        }

        return IsCopy(next) ? next : null;
    }

    private static bool IsCopy(LocalEntry entry) => entry is { IsDetached: false, Standing: Standing.Standby };
}
