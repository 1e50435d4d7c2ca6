namespace ShardedCache.Failover;

/// <summary>A list of entries that are linked through themselves; an entry is in one list at most.</summary>
internal sealed class EntryList
{
    public LocalEntry? First { get; private set; }

    public LocalEntry? Last { get; private set; }

    public long Size { get; private set; }

    public int Count { get; private set; }

    public void Add(LocalEntry entry)
    {
        entry.Previous = Last;
        entry.Next = null;
        if (Last is null)
        {
            First = entry;
        }
        else
        {
            Last.Next = entry;
        }

        Last = entry;
        Size += entry.Size;
        Count++;
    }

    public void Remove(LocalEntry entry)
    {
        if (entry.Previous is null)
        {
            First = entry.Next;
        }
        else
        {
            entry.Previous.Next = entry.Next;
        }

        if (entry.Next is null)
        {
            Last = entry.Previous;
        }
        else
        {
            entry.Next.Previous = entry.Previous;
        }

        entry.Previous = entry.Next = null;
        Size -= entry.Size;
        Count--;
    }

    /// <summary>Runs a change that gives memory up, and counts what it gave.</summary>
    public long Shrink(LocalEntry entry, Action<LocalEntry> change)
    {
        var before = entry.Size;
        change(entry);
        Size -= before - entry.Size;
        return before - entry.Size;
    }
}
