namespace ShardedCache;

/// <summary>What a caller sees while the shard of its key is not up.</summary>
public enum FailoverMode
{
    /// <summary>
    /// Reads are answered from this process's journal, from the replica, and from copies in memory; writes and removals succeed and
    /// are brought to the new master. No acknowledged write is lost, within the journal's bound and while the process lives.
    /// </summary>
    LocalTier,

    /// <summary>Reads miss. Writes and removals succeed and keep nothing; once the shard is up again their keys are invalidated.</summary>
    Bypass,

    /// <summary>Every operation on the shard throws <see cref="ShardUnavailableException"/> at once.</summary>
    Throw,
}
