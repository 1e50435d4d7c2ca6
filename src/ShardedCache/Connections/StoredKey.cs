namespace ShardedCache.Connections;

/// <summary>
/// A Redis key in the two parts in which the cache holds it: the instance name's bytes, encoded once, and the caller's
/// key. A transport writes <see cref="Prefix"/> and then the UTF-8 of <see cref="Name"/>; it need not build the whole.
/// </summary>
/// <param name="Prefix">The instance name's bytes.</param>
/// <param name="Name">The caller's key.</param>
/// <param name="TagHash">Hash of what decides the shard, the same for all keys of a hash tag; 0 before the key was routed.</param>
internal readonly record struct StoredKey(byte[] Prefix, string Name, ulong TagHash = 0);
