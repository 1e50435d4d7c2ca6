using ShardedCache.Entries;

namespace ShardedCache.Shards;

/// <summary>What is known of a session.</summary>
/// <param name="State">Its keys, or those that this process knows; null where there is no session.</param>
/// <param name="IsAvailable">False where neither the master nor anything in its place could be read.</param>
/// <param name="TakesChanges">Changes will be merged, if not now then later.</param>
/// <param name="Shard">Whose session it is.</param>
internal readonly record struct SessionLoad(SessionState? State, bool IsAvailable, bool TakesChanges, string Shard)
{
    /// <summary>The master has said it; anything else may lack what another instance has changed.</summary>
    public bool IsFromMaster { get; init; }
}
