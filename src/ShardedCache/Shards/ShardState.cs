namespace ShardedCache.Shards;

internal enum ShardState : byte
{
    /// <summary>Not yet reached since start-up. Operations wait for the first outcome, at most one operation time-out.</summary>
    Connecting,

    Up,

    /// <summary>The connection ended or the server's answer makes it doubtful; the Sentinels are being asked.</summary>
    Suspect,

    /// <summary>No master that answers: a failover is under way, or nobody can be reached.</summary>
    FailingOver,

    /// <summary>The master is found and verified; what has to precede the first operation on it is being done.</summary>
    Recovering,

    /// <summary>Credentials, TLS, permissions or the sharding rule are wrong: waiting will not help, the operator must act.</summary>
    Misconfigured,
}

internal enum ShardEvent : byte
{
    /// <summary>A server has confirmed that it is the master and holds our sharding rule.</summary>
    Verified,

    /// <summary>The new connection may serve operations.</summary>
    Ready,

    /// <summary>The connection that served has ended, or may not serve any more.</summary>
    Lost,

    /// <summary>An attempt to reach a master has failed.</summary>
    AttemptFailed,

    /// <summary>An attempt was refused for a reason that only a change of configuration can mend.</summary>
    Refused,
}
