namespace ShardedCache.Entries;

/// <summary>
/// When this instance last touched which entry of a shard, so that it can leave out touches that
/// <see cref="TouchPolicy"/> allows it to. Holds a fixed number of entries; one that was pushed out is touched once more
/// than needed. Allocates nothing after construction; safe for any threads.
/// </summary>
internal sealed class TouchLedger
{
    public const int DefaultCapacity = 32_768;

    /// <summary>An entry has its place among so many, so that hardly any two push each other out while there is room.</summary>
    private const int Ways = 8;

    private const int Locks = 16;

    private readonly Touched[] _touched;
    private readonly Lock[] _locks = new Lock[Locks];

    /// <param name="capacity">A power of two, at least 128. An entry takes 16 bytes.</param>
    public TouchLedger(int capacity = DefaultCapacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, Locks * Ways);
        ArgumentOutOfRangeException.ThrowIfNotEqual(capacity & (capacity - 1), 0);
        _touched = new Touched[capacity];
        for (var i = 0; i < Locks; i++)
        {
            _locks[i] = new Lock();
        }
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
                for (var set = i; set < _touched.Length / Ways; set += Locks)
                {
                    _touched.AsSpan(set * Ways, Ways).Clear();
                }
            }
        }
    }

    private bool Record(string key, Stamp stamp, long now, long skip)
    {
        var identity = Mix(stamp.Value ^ ((ulong)(uint)string.GetHashCode(key) << 32));
        var set = (int)(identity & (uint)((_touched.Length / Ways) - 1));
        lock (_locks[set & (Locks - 1)])
        {
            var ways = _touched.AsSpan(set * Ways, Ways);
            var chosen = 0;
            for (var i = 0; i < ways.Length; i++)
            {
                if (ways[i].Identity == identity)
                {
                    if (now >= ways[i].Milliseconds && now - ways[i].Milliseconds <= skip)
                    {
                        return false;
                    }

                    chosen = i;
                    break;
                }

                chosen = ways[i].Milliseconds < ways[chosen].Milliseconds ? i : chosen;
            }

            ways[chosen] = new Touched(identity, now);
            return true;
        }
    }

    /// <summary>Spreads all bits over all others (A. Appleby, MurmurHash3's finalizer).</summary>
    private static ulong Mix(ulong bits)
    {
        bits = (bits ^ (bits >> 33)) * 0xff51afd7ed558ccd;
        bits = (bits ^ (bits >> 33)) * 0xc4ceb9fe1a85ec53;
        return bits ^ (bits >> 33);
    }

    private readonly record struct Touched(ulong Identity, long Milliseconds);
}
