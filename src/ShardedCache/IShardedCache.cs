using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache;

/// <summary>
/// A distributed cache whose entries are spread over shards by their keys. Adds to <see cref="IDistributedCache"/> what a
/// farm of shards needs, and nothing that would span shards: there is no enumeration, no pattern search, no shared index.
/// </summary>
public interface IShardedCache : IBufferDistributedCache
{
    /// <summary>Gets the name of the shard that holds <paramref name="key"/>. Computed from the key alone, without I/O.</summary>
    /// <param name="key">The cache key, without the instance name.</param>
    /// <returns>The shard's name, as configured.</returns>
    /// <exception cref="ArgumentException">The key holds an unpaired surrogate or begins with the reserved prefix.</exception>
    string GetShard(string key);

    /// <summary>
    /// Reads several entries: of all shards at once, of each in pipelined batches of up to 256, one after the other.
    /// Each key is read by itself; there is no snapshot.
    /// </summary>
    /// <param name="keys">The keys, in any order, of any shards.</param>
    /// <param name="token">Abandons the wait.</param>
    /// <returns>The values in the order of <paramref name="keys"/>; <see langword="null"/> where there is no entry.</returns>
    /// <exception cref="ShardUnavailableException">
    /// At least one shard is configured wrongly or, with <see cref="FailoverMode.Throw"/>, did not answer; it is named.
    /// </exception>
    Task<byte[]?[]> GetManyAsync(IReadOnlyList<string> keys, CancellationToken token = default);

    /// <summary>
    /// Writes several entries: of all shards at once, of each in pipelined batches of up to 256 and 4 MiB, one after the other.
    /// Not atomic: each entry succeeds or fails by itself.
    /// </summary>
    /// <param name="entries">Keys and values. Of a key given twice the last value stays.</param>
    /// <param name="options">The expiration of all the entries.</param>
    /// <param name="token">Abandons the wait; entries may still be written.</param>
    /// <exception cref="ShardUnavailableException">
    /// At least one shard is configured wrongly or, with <see cref="FailoverMode.Throw"/>, did not answer; it is named. The entries of all other shards are written.
    /// </exception>
    Task SetManyAsync(IReadOnlyList<KeyValuePair<string, byte[]>> entries, DistributedCacheEntryOptions options, CancellationToken token = default);

    /// <summary>
    /// Removes several entries: of all shards at once, of each in pipelined batches of up to 256, one after the other.
    /// Not atomic.
    /// </summary>
    /// <param name="keys">The keys; those without an entry are no error.</param>
    /// <param name="token">Abandons the wait; entries may still be removed.</param>
    /// <exception cref="ShardUnavailableException">
    /// At least one shard is configured wrongly or, with <see cref="FailoverMode.Throw"/>, did not answer; it is named. The entries of all other shards are removed.
    /// </exception>
    Task RemoveManyAsync(IReadOnlyList<string> keys, CancellationToken token = default);

    /// <summary>
    /// Names a group of keys that live together on one shard, <c>{name}:member</c>, for operations that are atomic over several of
    /// them. Sends nothing; groups of the same name are the same.
    /// </summary>
    /// <param name="name">Not empty, and without braces.</param>
    IKeyGroup CreateKeyGroup(string name);
}
