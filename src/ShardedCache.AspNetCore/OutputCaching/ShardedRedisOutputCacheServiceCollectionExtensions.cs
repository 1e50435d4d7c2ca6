using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using ShardedCache;
using ShardedCache.AspNetCore.OutputCaching;
using ShardedCache.Diagnostics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Makes a sharded Redis cache the store of ASP.NET Core's output cache.</summary>
public static class ShardedRedisOutputCacheServiceCollectionExtensions
{
    /// <summary>
    /// Stores the output cache's pages in the cache of <c>AddShardedRedisCache</c>, in place of this process's memory. To be called
    /// beside <c>AddOutputCache</c>, which sets policies and limits as always. Without a call of <c>AddShardedRedisCache</c> the cache is made
    /// as the application's configuration describes it, for the output cache alone.
    /// </summary>
    /// <param name="services">Where to register.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddShardedRedisOutputCache(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddShardedRedisCacheCore(Options.Options.DefaultName);
        return services.AddStore(static provider => provider.GetRequiredService<IShardedCache>());
    }

    /// <summary>Stores the output cache's pages in the cache of <c>AddKeyedShardedRedisCache</c> with this key.</summary>
    /// <param name="services">Where to register.</param>
    /// <param name="serviceKey">The cache's key.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddShardedRedisOutputCache(this IServiceCollection services, string serviceKey)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(serviceKey);
        services.AddShardedRedisCacheCore(serviceKey);
        return services.AddStore(provider => provider.GetRequiredKeyedService<IShardedCache>(serviceKey));
    }

    private static IServiceCollection AddStore(this IServiceCollection services, Func<IServiceProvider, IShardedCache> find) =>
        services.Replace(ServiceDescriptor.Singleton<IOutputCacheStore>(provider =>
        {
            var pages = (find(provider) as IPageCache)?.Pages ?? throw new InvalidOperationException(
                $"The registered {nameof(IShardedCache)} is not one of AddShardedRedisCache, and the output cache needs one.");
            var logger = NonThrowingLogger.For<ShardedOutputCacheStore>(provider.GetService<ILoggerFactory>());
            return new ShardedOutputCacheStore(pages, new StoreTrouble(pages, logger));
        }));
}
