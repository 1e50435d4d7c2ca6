using Microsoft.AspNetCore.Session;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using ShardedCache;
using ShardedCache.AspNetCore.Session;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>
/// Registers a session store over the sharded cache whose commits merge: of two requests of one session that run at the same time
/// each keeps what it has changed.
/// </summary>
/// <remarks>
/// In place of the store that <c>AddSession</c> registers, which is still to be called, before or after; <c>SessionOptions</c> and
/// <c>UseSession</c> are the same. Instances that share sessions also have to share their Data Protection keys: the session's cookie is encrypted.
/// </remarks>
public static class ShardedRedisSessionServiceCollectionExtensions
{
    /// <summary>Keeps sessions in the cache that <c>AddShardedRedisCache</c> registers.</summary>
    /// <param name="services">Where to register.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddShardedRedisSession(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddShardedRedisCacheCore(Options.Options.DefaultName);
        return Add(services, static provider => provider.GetRequiredService<IShardedCache>());
    }

    /// <summary>Keeps sessions in the cache that <c>AddKeyedShardedRedisCache</c> registers under a key.</summary>
    /// <param name="services">Where to register.</param>
    /// <param name="serviceKey">The key of the cache.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddShardedRedisSession(this IServiceCollection services, string serviceKey)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(serviceKey);
        services.AddShardedRedisCacheCore(serviceKey);
        return Add(services, provider => provider.GetRequiredKeyedService<IShardedCache>(serviceKey));
    }

    private static IServiceCollection Add(IServiceCollection services, Func<IServiceProvider, IShardedCache> cache) =>

        // The store of AddSession would still ask for an IDistributedCache, which an application need not have.
        services.RemoveAll<ISessionStore>().AddSingleton<ISessionStore>(provider => new ShardedSessionStore(
            cache(provider),
            provider.GetService<ILoggerFactory>(),
            provider.GetService<TimeProvider>() ?? TimeProvider.System));
}
