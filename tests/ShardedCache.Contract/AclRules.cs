namespace ShardedCache.Contract;

/// <summary>
/// What the application's users must be allowed, and nothing more: the text that docs/sentinels.md shows, and that the
/// contract suite runs under. <c>HELLO</c> and <c>AUTH</c> need no rule.
/// </summary>
public static class AclRules
{
    /// <summary>The instance name whose keys <see cref="Server"/> allows.</summary>
    public const string InstanceName = "app:";

    /// <summary>For the user on every server of every shard. <c>WAIT</c> is for the proof that a write has reached the replicas.</summary>
    public const string Server = "resetkeys resetchannels ~app:* ~__shardedcache:* " + ServerCommands;

    /// <summary>As <see cref="Server"/>, for a cache that has no instance name and may use any key.</summary>
    public const string ServerWithoutInstanceName = "resetkeys resetchannels ~* " + ServerCommands;

    public const string ServerCommands =
        "+get +set +setex +psetex +getrange +del +pexpire +pexpireat +pttl +persist +zadd +zrem +zrange +zrangebyscore +zcard +zscore +setrange +eval +evalsha "
        + "+ping +echo +info +role +time +wait +client|id +client|setname +client|kill";

    /// <summary>For the user on every Sentinel.</summary>
    public const string Sentinel =
        "resetchannels &+sdown &+odown &+try-failover &+promoted-slave &+switch-master "
        + "+sentinel|get-master-addr-by-name +sentinel|master +sentinel|masters +sentinel|replicas +sentinel|sentinels +sentinel|myid "
        + "+ping +info +client|id +client|setname +subscribe";

    /// <summary>For the user on every Sentinel where it may not subscribe: a promotion is then noticed by polling.</summary>
    public const string SentinelWithoutSubscribe =
        "resetchannels "
        + "+sentinel|get-master-addr-by-name +sentinel|master +sentinel|masters +sentinel|replicas +sentinel|sentinels +sentinel|myid "
        + "+ping +info +client|id +client|setname";
}
