using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache;

/// <summary>
/// Keys that belong together and live on one shard, because they carry the group's name as their hash tag: the one place for
/// operations that are atomic over several keys. The group knows the members that were set through it, beside them on their shard,
/// and only for as long as they live. Keep groups small: some thousands of members at most, since an operation on all of them is one
/// step of its server.
/// </summary>
/// <remarks>
/// The same journal as for single entries brings group operations over a failover, each as a whole. A member is read, refreshed and
/// removed by its key like any other entry; set alone it is no member of the group.
/// </remarks>
public interface IKeyGroup
{
    /// <summary>The group's name, which is the hash tag of its keys.</summary>
    string Name { get; }

    /// <summary>The shard of all its keys.</summary>
    string Shard { get; }

    /// <summary>The cache key of a member: <c>{name}:member</c>.</summary>
    /// <param name="member">The member's name; not empty.</param>
    string Key(string member);

    /// <summary>Sets several members at once: whoever reads sees all of them or none.</summary>
    /// <param name="entries">Keys of this group and their values, each key once.</param>
    /// <param name="options">The expiration of all the entries.</param>
    /// <param name="token">Abandons the wait; the entries may still be written.</param>
    /// <exception cref="CrossShardException">A key lives on another shard. Nothing was sent.</exception>
    /// <exception cref="ArgumentException">A key is not of this group, or is given twice. Nothing was sent.</exception>
    Task SetAsync(IReadOnlyList<KeyValuePair<string, byte[]>> entries, DistributedCacheEntryOptions options, CancellationToken token = default);

    /// <summary>Removes several members at once.</summary>
    /// <param name="keys">Keys of this group; those without an entry are no error.</param>
    /// <param name="token">Abandons the wait; the entries may still be removed.</param>
    /// <exception cref="CrossShardException">A key lives on another shard. Nothing was sent.</exception>
    /// <exception cref="ArgumentException">A key is not of this group. Nothing was sent.</exception>
    Task RemoveAsync(IReadOnlyList<string> keys, CancellationToken token = default);

    /// <summary>Removes every member that was set through the group, by whatever process.</summary>
    /// <param name="token">Abandons the wait; the entries may still be removed.</param>
    Task RemoveAllAsync(CancellationToken token = default);
}
