namespace ShardedCache.Failover;

/// <summary>
/// How far behind a shard's replicas were when its master was last heard: what the master says in each reply to <c>ROLE</c>, over
/// time. Pure. A replica that has acknowledged all that the master had at an earlier poll was at most that poll's age behind.
/// </summary>
internal sealed class ReplicaLag(TimeProvider time)
{
    // A poll a second: a lag beyond this many is told as this one.
    private const int History = 600;

    private readonly Queue<(long At, long Offset)> _polls = new();
    private readonly Lock _lock = new();
    private TimeSpan? _last;
    private long? _reached;
    private long _heard;
    private ReplicasOnline? _online;

    /// <summary>The best one's. Null where no replica was ever seen to follow.</summary>
    public TimeSpan? Last
    {
        get
        {
            lock (_lock)
            {
                return _last;
            }
        }
    }

    /// <summary>How many replicas followed when the master was last heard; null before.</summary>
    public ReplicasOnline? Online
    {
        get
        {
            lock (_lock)
            {
                return _online;
            }
        }
    }

    /// <param name="masterOffset">How far the master has come.</param>
    /// <param name="replicaOffsets">What its replicas have acknowledged.</param>
    public void Observe(long masterOffset, IReadOnlyList<long> replicaOffsets)
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (_online?.Count != replicaOffsets.Count)
            {
                _online = new(replicaOffsets.Count, time.GetUtcNow());
            }

            if (_polls.TryPeek(out var first) && first.Offset > masterOffset)
            {
                // Another history.
                _polls.Clear();
            }

            _heard = now;
            _polls.Enqueue((now, masterOffset));
            if (_polls.Count > History)
            {
                _polls.Dequeue();
            }

            var best = replicaOffsets.Count == 0 ? -1 : replicaOffsets.Max();
            var (firstAt, firstOffset) = _polls.Peek();
            if (best >= firstOffset)
            {
                _reached = PollAt(best);
            }
            else if (_polls.Count == History && !(_reached > firstAt))
            {
                _reached = firstAt;
            }

            _last = _reached is { } known ? time.GetElapsedTime(known, now) : null;
        }
    }

    /// <summary>That of a replica which has come so far: at least, where it was behind already when the master was first heard. Null where it never was.</summary>
    public TimeSpan? Behind(long offset)
    {
        lock (_lock)
        {
            return _polls.Count == 0 ? null : time.GetElapsedTime(PollAt(offset), _heard);
        }
    }

    /// <summary>When the master had no more than this, as far as that is known.</summary>
    private long PollAt(long offset)
    {
        var found = _polls.Peek().At;
        foreach (var (at, masterOffset) in _polls)
        {
            found = masterOffset <= offset ? at : found;
        }

        return found;
    }
}

/// <param name="Count">How many.</param>
/// <param name="Since">Since when it is that many.</param>
internal sealed record ReplicasOnline(int Count, DateTimeOffset Since);
