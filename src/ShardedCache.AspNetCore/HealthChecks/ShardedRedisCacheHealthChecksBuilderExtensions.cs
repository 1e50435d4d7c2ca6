using Microsoft.Extensions.Diagnostics.HealthChecks;
using ShardedCache;
using ShardedCache.AspNetCore.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the health of a sharded Redis cache to an application's health checks.</summary>
/// <remarks>
/// A check reads what the cache knows of its shards anyway: it opens no connection, sends no command and waits for nothing.
/// <list type="bullet">
/// <item><see cref="HealthStatus.Healthy"/>: every shard is up. Also where no Redis is configured, in Development.</item>
/// <item><see cref="HealthStatus.Degraded"/>: a shard is not up and served by the fallback, does not take writes, or has no online replica.</item>
/// <item><c>failureStatus</c>: the configuration is wrong, or no shard can be reached, or none has been reached since start-up.</item>
/// </list>
/// The description names the shards, why, and since when; the data holds an entry per shard.
/// </remarks>
public static class ShardedRedisCacheHealthChecksBuilderExtensions
{
    private const string DefaultName = "sharded-redis";

    /// <summary>Adds the health of the cache that <c>AddShardedRedisCache</c> registers.</summary>
    /// <param name="builder">Where to add it.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">What is reported in place of <see cref="HealthStatus.Unhealthy"/>; null: that itself.</param>
    /// <param name="tags">Tags to choose checks by.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IHealthChecksBuilder AddShardedRedisCache(
        this IHealthChecksBuilder builder, string name = DefaultName, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            name, static services => new ShardedRedisCacheHealthCheck(services.GetService<IShardedCache>), failureStatus, tags));
    }

    /// <summary>Adds the health of a cache that <c>AddKeyedShardedRedisCache</c> registers.</summary>
    /// <param name="builder">Where to add it.</param>
    /// <param name="serviceKey">The cache's key.</param>
    /// <param name="name">The check's name; null: <c>sharded-redis:</c> and the key.</param>
    /// <param name="failureStatus">What is reported in place of <see cref="HealthStatus.Unhealthy"/>; null: that itself.</param>
    /// <param name="tags">Tags to choose checks by.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IHealthChecksBuilder AddKeyedShardedRedisCache(
        this IHealthChecksBuilder builder, string serviceKey, string? name = null, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(serviceKey);
        return builder.Add(new HealthCheckRegistration(
            name ?? $"{DefaultName}:{serviceKey}",
            services => new ShardedRedisCacheHealthCheck(() => services.GetKeyedService<IShardedCache>(serviceKey)),
            failureStatus,
            tags));
    }
}
