using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using ShardedCache.Diagnostics;
using ShardedCache.Failover;

namespace ShardedCache.Registration;

/// <summary>Makes the cache of a registration out of its options and whatever else the container happens to hold.</summary>
internal static class ShardedCacheFactory
{
    public static IShardedCache Create(IServiceProvider services, string name)
    {
        var options = services.GetRequiredService<IOptionsMonitor<ShardedRedisCacheOptions>>().Get(name);
        var time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        var loggers = services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance;
        var logger = loggers.CreateLogger<ShardedRedisCacheOptions>();
        if (string.IsNullOrWhiteSpace(options.Configuration))
        {
            logger.LocalMemoryOnly();
            return new LocalMemoryCache(CacheSettings.From(options), time);
        }

        var settings = CacheSettings.From(options, new LatestConnectionString(services.GetRequiredService<IOptionsFactory<ShardedRedisCacheOptions>>(), name, options).Read);
        if (settings.Sentinels.Count > 0 && settings.Sentinels.Count % 2 == 0)
        {
            logger.EvenNumberOfSentinels(settings.Sentinels.Count);
        }

        return Connect(settings);
    }

    /// <summary>The place where the cache over a farm is put together from its transport, its master source and its shards.</summary>
    private static IShardedCache Connect(CacheSettings settings) =>
        throw new NotSupportedException($"{settings.Shards.Count} shards are configured, but this build serves from memory only.");
}
