using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;
using ShardedCache.Connections.StackExchangeRedis;
using ShardedCache.Diagnostics;
using ShardedCache.Sentinels;

namespace ShardedCache.Registration;

/// <summary>Makes the cache of a registration out of its options and whatever else the container happens to hold.</summary>
internal static class ShardedCacheFactory
{
    public static IShardedCache Create(IServiceProvider services, string name)
    {
        var options = services.GetRequiredService<IOptionsMonitor<ShardedRedisCacheOptions>>().Get(name);
        var time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        var logger = NonThrowingLogger.For<ShardedRedisCache>(services.GetService<ILoggerFactory>());
        if (string.IsNullOrWhiteSpace(options.Configuration))
        {
            logger.LocalMemoryOnly();
            return new LocalMemoryCache(CacheSettings.From(options), time);
        }

        var latest = new LatestConnectionString(services.GetRequiredService<IOptionsFactory<ShardedRedisCacheOptions>>(), name, options, time);
        var settings = CacheSettings.From(options, latest.Read) with { CacheName = name };
        var connector = Connector(settings, options, time);
        return new ShardedRedisCache(settings, connector, Masters(settings, connector, time, logger), time, logger, services.GetService<IMeterFactory>());
    }

    private static IServerConnector Connector(CacheSettings settings, ShardedRedisCacheOptions options, TimeProvider time)
    {
        if (settings.Transport == ShardTransport.Resp)
        {
            return new RespConnector(time);
        }

        return options.ConnectionMultiplexerFactory is { } supply
            ? new SuppliedMultiplexerConnector(time, (address, _) => new(supply(address.ToString().ToLowerInvariant())))
            : new StackExchangeConnector(time, options.ConfigureStackExchangeRedis);
    }

    private static IMasterSource Masters(CacheSettings settings, IServerConnector connector, TimeProvider time, ILogger logger)
    {
        if (settings.Sentinels.Count == 0)
        {
            return new FixedMasters(settings.Shards.ToDictionary(static shard => shard.Name, static shard => shard.FixedAddress!));
        }

        if (settings.Sentinels.Count % 2 == 0)
        {
            logger.EvenNumberOfSentinels(settings.Sentinels.Count);
        }

        var shards = settings.Shards.Select(static shard => shard.Name).ToArray();
        return new SentinelMasters(connector, settings.Sentinels, settings.SentinelConnection, shards, time, logger);
    }
}
