namespace ShardedCache.Connections;

/// <summary>
/// A Redis key in the two parts in which the cache holds it: the instance name's bytes, encoded once, and the caller's
/// key. A transport writes <see cref="Prefix"/> and then the UTF-8 of <see cref="Name"/>; it need not build the whole.
/// </summary>
internal readonly record struct StoredKey(byte[] Prefix, string Name);
