namespace ShardedCache.LoadLab.History;

internal enum ShardEventKind
{
    /// <summary>Everything on the shard was removed, by an operator.</summary>
    Flushed,

    /// <summary>The server was out of memory: what was written then may be missing, as after an eviction.</summary>
    MayEvict,

    /// <summary>All copies of the shard died: what was written until then may be missing.</summary>
    DataLost,
}

/// <summary>What the lab itself did to a shard's data, between two moments.</summary>
internal sealed record ShardEvent(ShardEventKind Kind, int Shard, long Start, long End);
