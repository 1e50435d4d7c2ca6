namespace ShardedCache.Testing;

/// <summary>What <see cref="RedisFarm.StartAsync"/> starts. The defaults are a small farm with a short time to fail over.</summary>
public sealed class RedisFarmOptions
{
    /// <summary>Number of shards, each with one master; at least 1. Default: 2.</summary>
    public int Shards { get; set; } = 2;

    /// <summary>Replicas of each master; 0 or more. Default: 1.</summary>
    public int ReplicasPerShard { get; set; } = 1;

    /// <summary>Sentinels, each watching every shard; 0 for a farm of fixed end points. The quorum is the majority. Default: 3.</summary>
    public int Sentinels { get; set; } = 3;

    /// <summary>
    /// Sentinel's <c>down-after-milliseconds</c>: how long a master must be silent to be taken for down. Default: 1 s, which suits tests;
    /// production wants 5 s.
    /// </summary>
    public TimeSpan DownAfter { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Sentinel's <c>failover-timeout</c>; a failed attempt is repeated after twice this time. Default: 10 s.</summary>
    public TimeSpan FailoverTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Extra lines for each server's <c>redis.conf</c>; they come last, so they override the farm's own.</summary>
    public IList<string> ServerConfiguration { get; } = [];

    /// <summary>Extra lines for each Sentinel's configuration; they come last, so they override the farm's own.</summary>
    public IList<string> SentinelConfiguration { get; } = [];

    /// <summary>
    /// ACL user that is created on every server for the application. The default user is then switched off. Needs <see cref="Password"/>.
    /// Null: the default user. Default: null.
    /// </summary>
    public string? User { get; set; }

    /// <summary>Password of <see cref="User"/> or, without one, of the default user. Null: servers ask for no password. Default: null.</summary>
    public string? Password { get; set; }

    /// <summary>ACL rules of the application's user on the servers, for a password-protected farm. Default: everything is allowed.</summary>
    public string UserRules { get; set; } = "~* &* +@all";

    /// <summary>
    /// ACL user that is created on every Sentinel for the application. The default user is then switched off.
    /// Needs <see cref="SentinelPassword"/>. Null: the default user. Default: null.
    /// </summary>
    public string? SentinelUser { get; set; }

    /// <summary>
    /// Password of <see cref="SentinelUser"/> or, without one, of the Sentinels' default user. Null: Sentinels ask for no password.
    /// Default: null.
    /// </summary>
    public string? SentinelPassword { get; set; }

    /// <summary>ACL rules of the application's user on the Sentinels, for password-protected Sentinels. Default: everything is allowed.</summary>
    public string SentinelUserRules { get; set; } = "~* &* +@all";

    /// <summary>
    /// Servers and Sentinels speak TLS only, with certificates of the farm's own authority (<see cref="RedisFarm.CaCertificate"/>).
    /// Default: false.
    /// </summary>
    public bool Tls { get; set; }

    /// <summary>
    /// With <see cref="Tls"/>: clients must show a certificate of the farm's authority, such as <see cref="RedisFarm.ClientCertificate"/>.
    /// Default: false.
    /// </summary>
    public bool RequireClientCertificate { get; set; }

    /// <summary>The address that all processes listen on and announce. Default: 127.0.0.1.</summary>
    public string BindAddress { get; set; } = "127.0.0.1";

    /// <summary>
    /// Composite format of the shards' names; <c>{0}</c> is the shard's index from 0. Every shard must get a name of its own.
    /// Default: <c>shard-{0}</c>.
    /// </summary>
    public string ShardNameFormat { get; set; } = "shard-{0}";

    /// <summary>Path of the <c>redis-server</c> executable (7.0 or newer). Null: searched in PATH. Default: null.</summary>
    public string? RedisServerPath { get; set; }

    /// <summary>
    /// Path of the <c>redis-sentinel</c> executable. Null: the server's executable is started as Sentinel, which is the same program.
    /// Default: null.
    /// </summary>
    public string? RedisSentinelPath { get; set; }

    /// <summary>
    /// Linux only: all processes run in this existing network namespace (<c>ip netns exec NAME</c>, which needs root);
    /// <see cref="BindAddress"/> must then be an address inside it that this process can reach. Null: this process's own. Default: null.
    /// </summary>
    public string? NetworkNamespace { get; set; }
}
