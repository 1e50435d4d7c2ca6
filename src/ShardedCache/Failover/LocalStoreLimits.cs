namespace ShardedCache.Failover;

/// <summary>What bounds a shard's local store.</summary>
/// <param name="StandbyBytes">For copies of what is replicated.</param>
/// <param name="MaxStandbyPayload">A larger payload is not copied when it is read, and not kept once it is replicated.</param>
/// <param name="TombstoneLife">How long a removal can be compared with a write that is replayed.</param>
internal sealed record LocalStoreLimits(long StandbyBytes, int MaxStandbyPayload, TimeSpan TombstoneLife)
{
    /// <summary>How long a write is replayed: its command may be long on its way, and two clocks are never quite the same.</summary>
    public TimeSpan ReplayLife => TombstoneLife * 31 / 32;
}
