namespace ShardedCache.Sharding;

internal static class HashTag
{
    /// <summary>
    /// The part of a key that decides its shard: what stands between the first <c>{</c> and the next <c>}</c>, where
    /// that is at least one byte; else the whole key. This is Redis Cluster's rule.
    /// </summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> key)
    {
        var open = key.IndexOf((byte)'{');
        if (open < 0)
        {
            return key;
        }

        var tail = key[(open + 1)..];
        var length = tail.IndexOf((byte)'}');
        return length > 0 ? tail[..length] : key;
    }
}
