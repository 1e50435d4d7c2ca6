namespace ShardedCache.Entries;

/// <summary>
/// When this instance last touched which entry of a shard, so that it can leave out touches that
/// <see cref="TouchPolicy"/> allows it to. Holds a fixed number of entries; one that was pushed out is touched once more
/// than needed. Allocates nothing after construction; safe for any threads.
/// </summary>
internal sealed class TouchLedger
{
    public const int DefaultCapacity = 16_384;

    private const int Locks = 16;

    private readonly Touched[] _touched;
    private readonly Lock[] _locks = [.. Enumerable.Range(0, Locks).Select(static _ => new Lock())];

    /// <param name="capacity">A power of two, at least 16. An entry takes 24 bytes.</param>
    public TouchLedger(int capacity = DefaultCapacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, Locks);
        ArgumentOutOfRangeException.ThrowIfNotEqual(capacity & (capacity - 1), 0);
        _touched = new Touched[capacity];
    }

    /// <summary>
    /// Whether a read of this entry has to touch it now; then counts it as touched. <paramref name="nowMilliseconds"/>
    /// is by the shard's clock. The key counts beside the stamp, because two processes can make the same stamp.
    /// </summary>
    public bool ShouldTouch(string key, in EntryHeader header, long nowMilliseconds)
    {
        if (!header.IsSliding)
        {
            return false;
        }

        var skip = TouchPolicy.SkipMilliseconds(header.SlidingMilliseconds);
        return skip == 0 || Record(key, header.Stamp, nowMilliseconds, skip);
    }

    /// <summary>Counts an entry as touched, because it was just stored with its full time to live.</summary>
    public void Stored(string key, in EntryHeader header, long nowMilliseconds)
    {
        if (header.IsSliding && TouchPolicy.SkipMilliseconds(header.SlidingMilliseconds) > 0)
        {
            Record(key, header.Stamp, nowMilliseconds, skip: 0);
        }
    }

    /// <summary>Forgets everything: touches that a lost connection had taken may never have been executed.</summary>
    public void Clear()
    {
        for (var i = 0; i < Locks; i++)
        {
            lock (_locks[i])
            {
                for (var slot = i; slot < _touched.Length; slot += Locks)
                {
                    _touched[slot] = default;
                }
            }
        }
    }

    private bool Record(string key, Stamp stamp, long now, long skip)
    {
        var keyHash = (uint)string.GetHashCode(key);
        var slot = (int)(((stamp.Value >> Stamp.ProcessBits) ^ keyHash) & (uint)(_touched.Length - 1));
        lock (_locks[slot & (Locks - 1)])
        {
            ref var touched = ref _touched[slot];
            var isThis = touched.Stamp == stamp.Value && touched.KeyHash == keyHash;
            if (isThis && now >= touched.Milliseconds && now - touched.Milliseconds <= skip)
            {
                return false;
            }

            touched = new Touched(stamp.Value, keyHash, now);
            return true;
        }
    }

    private readonly record struct Touched(ulong Stamp, uint KeyHash, long Milliseconds);
}
