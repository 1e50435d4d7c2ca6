using ShardedCache.Connections;

namespace ShardedCache;

/// <summary>
/// What a connection string says, and everything that is wrong with it. Where <see cref="Faults"/> is not empty the rest
/// is incomplete and must not be used. What the string leaves out is null.
/// </summary>
internal sealed record ConnectionString
{
    public const int DefaultRedisPort = 6379;

    public const int DefaultSentinelPort = 26379;

    /// <summary>Empty where the end points are fixed servers.</summary>
    public IReadOnlyList<ServerAddress> Sentinels { get; init; } = [];

    public IReadOnlyList<ConfiguredShard> Shards { get; init; } = [];

    public Credentials Credentials { get; init; } = Credentials.None;

    public Credentials SentinelCredentials { get; init; } = Credentials.None;

    public bool Ssl { get; init; }

    /// <summary>Follows <see cref="Ssl"/> where it is not given.</summary>
    public bool SentinelSsl { get; init; }

    public string? SslHost { get; init; }

    public string? ClientName { get; init; }

    public string? InstanceName { get; init; }

    public TimeSpan? OperationTimeout { get; init; }

    public TimeSpan? ConnectTimeout { get; init; }

    public int? MaximumPayloadBytes { get; init; }

    public long? LocalTierSizeLimit { get; init; }

    public int? LocalTierMaxEntrySize { get; init; }

    public FailoverMode? FailoverMode { get; init; }

    public ShardTransport? Transport { get; init; }

    public TimeSpan? MaxStaleness { get; init; }

    public long? JournalSizeLimit { get; init; }

    /// <summary>One sentence or two per fault: what is wrong and what to do. Never holds a secret.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>Reads a connection string. Never throws.</summary>
    public static ConnectionString Parse(string? text) => new ConnectionStringParser(text ?? string.Empty).Parse();
}
