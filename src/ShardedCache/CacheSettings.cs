using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache;

/// <summary>
/// The options and their connection string made one: what the cache is built from. Each value is the option's where it
/// is set, else the connection string's, else the default.
/// </summary>
internal sealed record CacheSettings
{
    /// <summary>Empty where the shards have fixed addresses.</summary>
    public required IReadOnlyList<ServerAddress> Sentinels { get; init; }

    public required IReadOnlyList<ConfiguredShard> Shards { get; init; }

    public required string InstanceName { get; init; }

    /// <summary>The key of a keyed cache; empty for the application's only or first one.</summary>
    public string CacheName { get; init; } = string.Empty;

    public required int MaximumPayloadBytes { get; init; }

    public required long LocalTierSizeLimit { get; init; }

    public required int LocalTierMaxEntrySize { get; init; }

    public required FailoverMode FailoverMode { get; init; }

    public ShardTransport Transport { get; init; }

    public required TimeSpan MaxStaleness { get; init; }

    public required long JournalSizeLimit { get; init; }

    /// <summary>Part of the entry's specification, and the same for all clients; tests shorten it.</summary>
    public TimeSpan TombstoneLife { get; init; } = EntryHeader.TombstoneLife;

    /// <summary>How to connect to shards.</summary>
    public required ConnectionSettings ShardConnection { get; init; }

    /// <summary>How to connect to Sentinels.</summary>
    public required ConnectionSettings SentinelConnection { get; init; }

    /// <summary>
    /// Makes them one, of options that have been found valid. <paramref name="current"/> gives the connection string as
    /// it is now, so that credentials changed in a configuration file are used by the next connection.
    /// </summary>
    public static CacheSettings From(ShardedRedisCacheOptions options, Func<ConnectionString>? current = null)
    {
        var connection = ConnectionString.Parse(options.Configuration);
        current ??= () => connection;
        var operationTimeout = options.OperationTimeoutIfSet ?? connection.OperationTimeout ?? ShardedRedisCacheOptions.DefaultTimeout;
        var connectTimeout = options.ConnectTimeoutIfSet ?? connection.ConnectTimeout ?? ShardedRedisCacheOptions.DefaultTimeout;
        var tls = new TlsSettings(connection.SslHost, options.ServerCertificateValidation, options.ClientCertificate);
        var shardConnection = new ConnectionSettings
        {
            Kind = ServerKind.Redis,
            Credentials = Credentials(options.CredentialsProvider, () => current().Credentials),
            Tls = connection.Ssl ? tls : null,
            OperationTimeout = operationTimeout,
            ConnectTimeout = connectTimeout,
            ClientName = connection.ClientName ?? "ShardedCache",
        };
        return new CacheSettings
        {
            Sentinels = connection.Sentinels,
            Shards = connection.Shards,
            InstanceName = options.InstanceName ?? connection.InstanceName ?? string.Empty,
            MaximumPayloadBytes = options.MaximumPayloadBytesIfSet ?? connection.MaximumPayloadBytes ?? ShardedRedisCacheOptions.DefaultMaximumPayloadBytes,
            LocalTierSizeLimit = options.LocalTierSizeLimitIfSet ?? connection.LocalTierSizeLimit ?? ShardedRedisCacheOptions.DefaultLocalTierSizeLimit,
            LocalTierMaxEntrySize = options.LocalTierMaxEntrySizeIfSet ?? connection.LocalTierMaxEntrySize ?? ShardedRedisCacheOptions.DefaultLocalTierMaxEntrySize,
            FailoverMode = options.FailoverModeIfSet ?? connection.FailoverMode ?? FailoverMode.LocalTier,
            Transport = options.TransportIfSet ?? connection.Transport ?? ShardTransport.StackExchangeRedis,
            MaxStaleness = options.MaxStalenessIfSet ?? connection.MaxStaleness ?? ShardedRedisCacheOptions.DefaultMaxStaleness,
            JournalSizeLimit = options.JournalSizeLimitIfSet ?? connection.JournalSizeLimit ?? ShardedRedisCacheOptions.DefaultJournalSizeLimit,
            ShardConnection = shardConnection,
            SentinelConnection = shardConnection with
            {
                Kind = ServerKind.Sentinel,
                Credentials = Credentials(options.SentinelCredentialsProvider, () => current().SentinelCredentials),
                Tls = connection.SentinelSsl ? tls : null,
            },
        };
    }

    private static Func<CancellationToken, ValueTask<Credentials>> Credentials(
        Func<CancellationToken, ValueTask<ShardedRedisCredentials>>? provider, Func<Credentials> configured)
    {
        if (provider is null)
        {
            return _ => new ValueTask<Credentials>(configured());
        }

        return async cancellationToken =>
        {
            var credentials = await provider(cancellationToken).ConfigureAwait(false);
            return new Credentials(credentials.User, credentials.Password);
        };
    }
}
