using Microsoft.Extensions.Logging;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
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
    public EntryReaderPool Readers { get; } = new();
}
