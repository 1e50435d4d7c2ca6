namespace ShardedCache.Contract.Cache;

/// <summary>Which of the four sets of methods of a cache is used.</summary>
public enum CacheAccess
{
    Array,
    ArrayAsync,
    Buffer,
    BufferAsync,
}
