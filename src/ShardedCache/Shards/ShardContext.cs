using Microsoft.Extensions.Logging;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Failover;
using ShardedCache.Sentinels;
using ShardedCache.Sharding;

namespace ShardedCache.Shards;

/// <summary>What all shards of one cache share.</summary>
internal sealed record ShardContext(
    IServerConnector Connector,
    ConnectionSettings Settings,
    IMasterSource Masters,
    RuleRecord Rule,
    TimeProvider Time,
    ILogger Logger,
    ShardedCacheMetrics Metrics)
{
    public FailoverMode FailoverMode { get; init; }

    /// <summary>Whether writes are kept until they are proven to be replicated.</summary>
    public bool IsJournaling => FailoverMode == FailoverMode.LocalTier;

    public TimeSpan MaxStaleness { get; init; }

    public required LocalStoreLimits LocalLimits { get; init; }

    public required JournalBudget Journal { get; init; }

    /// <summary>Whether a replica is promoted when its master fails.</summary>
    public bool HasSentinels { get; init; }

    /// <summary>Whether a replica is read while a shard is not up.</summary>
    public bool ReadsReplicas => HasSentinels && IsJournaling && MaxStaleness > TimeSpan.Zero;

    /// <summary>
    /// An operation keeps within its time-out also where its server is silent and its replica, which is then asked, is silent, too: so
    /// the server gets a part of it.
    /// </summary>
    public TimeSpan ServerTimeout => ReadsReplicas ? Settings.OperationTimeout * 7 / 8 : Settings.OperationTimeout;

    /// <summary>Of connections to servers.</summary>
    public ConnectionSettings Connection => Settings with { OperationTimeout = ServerTimeout };

    public EntryReaderPool Readers { get; } = new();
}
