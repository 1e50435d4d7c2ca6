namespace ShardedCache.Connections.Resp;

/// <summary>
/// A work item of the pool that lets callers go on, as others see it: a caller that blocks or computes for long holds it up, perhaps for
/// good, and then it must not be counted on. What is read of it may be slightly old.
/// </summary>
internal sealed class RespWorker
{
    private const long Nobody = -1;

    private long _batchBegan = Nobody;
    private int _batchFrom;
    private int _taken;
    private int _seen;
    private long _seenAt;

    /// <summary>It is not counted on any more, and leaves when its caller is through. Set under the lock of all.</summary>
    public bool IsHeldUp { get; set; }

    public void BeginBatch(long now)
    {
        Volatile.Write(ref _batchFrom, _taken);
        Volatile.Write(ref _batchBegan, now);
    }

    public void Take() => Volatile.Write(ref _taken, _taken + 1);

    public void EndBatch() => Volatile.Write(ref _batchBegan, Nobody);

    /// <summary>Since when it has been seen to have the caller that it has; null where it has none. For one thread at a time.</summary>
    public long? HasCallerSince(long now)
    {
        var began = Volatile.Read(ref _batchBegan);
        var taken = Volatile.Read(ref _taken);
        var ofBatch = taken - Volatile.Read(ref _batchFrom);
        if (began == Nobody || ofBatch <= 0 || Volatile.Read(ref _batchBegan) != began)
        {
            return null;
        }

        // Only the first one's beginning is known without asking for the time at each.
        if (ofBatch == 1)
        {
            return began;
        }

        if (taken != _seen)
        {
            (_seen, _seenAt) = (taken, now);
        }

        return _seenAt;
    }
}
