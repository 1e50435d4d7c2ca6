namespace ShardedCache.Entries;

/// <summary>What a read has found. All but <see cref="Value"/> are misses.</summary>
internal enum EntryOutcome : byte
{
    /// <summary>No bytes: there is no such key.</summary>
    None,

    Value,

    Tombstone,

    /// <summary>Its absolute expiration has come, though the server has not removed it yet.</summary>
    Expired,

    /// <summary>Older than what is known of the key: what another client has brought back from before that, and may not be read.</summary>
    Replaced,

    /// <summary>Not an entry of this version: something else stored it, or a newer version of this library.</summary>
    Foreign,
}
