namespace ShardedCache.Failover;

/// <summary>
/// Which rounds of acknowledged writes are proven to be on every replica. Pure. A round is the writes that were acknowledged
/// before the mark was read; it is proven when every replica that could be promoted is online at its mark or past it.
/// </summary>
/// <param name="lastRound">Of the ledger before it: rounds are counted on.</param>
internal sealed class ProofLedger(long lastRound = 0)
{
    // Marks that wait for their proof, oldest first; a replica that lags for long must not make it grow without bound.
    private const int MaxMarks = 4096;

    private readonly Queue<(long Round, ReplicationMark Mark)> _open = new();

    /// <summary>The last round that is proven here; 0 while none is.</summary>
    public long Safe { get; private set; }

    public long LastRound { get; private set; } = lastRound;

    public long NextRound() => ++LastRound;

    /// <summary>Takes what the master said after everything in <paramref name="round"/> was acknowledged.</summary>
    /// <param name="round">From <see cref="NextRound"/>.</param>
    /// <param name="state">The master's answer.</param>
    /// <param name="promotable">How many replicas the Sentinels could promote.</param>
    public void Take(long round, ReplicationState state, int promotable)
    {
        if (_open.Count < MaxMarks)
        {
            _open.Enqueue((round, state.Mark));
        }

        // Replicas are counted, not named: a server and a Sentinel may know one under different addresses.
        if (state.OnlineReplicas.Count == 0 || state.OtherReplicas > 0 || state.OnlineReplicas.Count < promotable)
        {
            return;
        }

        var least = state.OnlineReplicas.Min();
        while (_open.TryPeek(out var oldest) && oldest.Mark.Id == state.Mark.Id && oldest.Mark.Offset <= least)
        {
            Safe = oldest.Round;
            _open.Dequeue();
        }
    }

    /// <summary>The mark that covers a round: of the first later one that was read, where its own was not. None for round 0.</summary>
    public ReplicationMark? MarkOf(long round)
    {
        if (round == 0)
        {
            return null;
        }

        foreach (var (marked, mark) in _open)
        {
            if (marked >= round)
            {
                return mark;
            }
        }

        return null;
    }
}
