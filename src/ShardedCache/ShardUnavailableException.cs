namespace ShardedCache;

/// <summary>A shard did not answer, or has no master now. Keys of the other shards are not affected.</summary>
public sealed class ShardUnavailableException : Exception
{
    internal ShardUnavailableException(string shard, string reason)
        : base($"Shard '{shard}' is unavailable: {reason}")
    {
        Shard = shard;
        Reason = reason;
    }

    /// <summary>Gets the shard's name; where a batch met several, the first of them.</summary>
    public string Shard { get; }

    /// <summary>Gets why: what the Sentinels said, how the connection ended, or the server's error. Never holds a key or a secret.</summary>
    public string Reason { get; }
}
