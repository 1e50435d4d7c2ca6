namespace ShardedCache.Entries;

/// <summary>The second stored byte. The other bits are reserved: an entry that has one set is not read.</summary>
[Flags]
internal enum EntryFlags : byte
{
    None = 0,

    /// <summary>An absolute expiration follows.</summary>
    Absolute = 1,

    /// <summary>A sliding window follows.</summary>
    Sliding = 2,

    /// <summary>The entry was removed. Excludes the other flags; nothing follows the stamp.</summary>
    Tombstone = 4,
}
