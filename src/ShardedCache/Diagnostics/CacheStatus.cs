using ShardedCache.Connections;
using ShardedCache.Failover;
using ShardedCache.Shards;

namespace ShardedCache.Diagnostics;

/// <summary>A cache that tells how it is.</summary>
internal interface IStatusSource
{
    /// <summary>Read from memory: asks no server, waits for nothing, and can be had at any time.</summary>
    CacheStatus Status { get; }
}

/// <summary>
/// What is known of a cache at one moment, for those who look at it from outside (health check, status pages): never a key, a value or a
/// secret. It does not change; the next look makes another one.
/// </summary>
/// <param name="FailoverMode">What callers see on a shard that is not up.</param>
/// <param name="Shards">In the order of the sharding rule. None where no Redis is configured, and entries are in this process's memory.</param>
internal sealed record CacheStatus(FailoverMode FailoverMode, IReadOnlyList<ShardStatus> Shards)
{
    public static CacheStatus OfLocalMemory { get; } = new(FailoverMode.LocalTier, []);
}

/// <summary>One shard's part of it.</summary>
/// <param name="Name">The shard's.</param>
/// <param name="State">Its state now.</param>
/// <param name="Since">Since when it is up or, through whatever states, is not.</param>
/// <param name="Master">The server that serves it, or that it was sought at last; null before any was named.</param>
internal sealed record ShardStatus(string Name, ShardState State, DateTimeOffset Since, ServerAddress? Master)
{
    /// <summary>Why it is not up; null where it is, or where nothing has been heard yet.</summary>
    public string? Fault { get; init; }

    /// <summary>It refuses operations that it should allow; null where none was refused within the last minute.</summary>
    public OperationRefusal? Refusal { get; init; }

    /// <summary>The master reads and does not write; what callers see of that depends on <see cref="FailoverMode"/>.</summary>
    public bool IsWriteRefused { get; init; }

    /// <summary>As the master last told; null where nothing is ever promoted (fixed end points), or before the first answer.</summary>
    public ReplicasOnline? ReplicasOnline { get; init; }

    /// <summary>How far the best replica was behind when the master was last heard; null where that is not known.</summary>
    public TimeSpan? ReplicaLag { get; init; }

    /// <summary>A replica is connected, and can be read from the moment on that the master cannot.</summary>
    public bool IsReplicaReady { get; init; }

    /// <summary>Memory of what is not yet proven to be replicated.</summary>
    public long JournalBytes { get; init; }

    /// <summary>How many entries that is.</summary>
    public int JournalCount { get; init; }

    /// <summary>Writes and removals among them that no master has acknowledged.</summary>
    public int Undelivered { get; init; }
}

/// <summary>Operations that a server answers with an error that only a change of configuration can mend.</summary>
/// <param name="Since">The first of them.</param>
/// <param name="Last">The last of them.</param>
/// <param name="Reason">What the server said to the last one.</param>
internal sealed record OperationRefusal(DateTimeOffset Since, DateTimeOffset Last, string Reason);
