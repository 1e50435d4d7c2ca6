using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ShardedCache;
using ShardedCache.Registration;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>
/// Registers a sharded Redis cache as <see cref="IDistributedCache"/> and <see cref="IShardedCache"/>: one singleton
/// behind both, created and connected when the host starts, or at first use without a host.
/// </summary>
/// <remarks>
/// The last registration of <see cref="IDistributedCache"/> wins; several registrations of this cache under the same key
/// configure the same instance, one after the other. Faults of the configuration are reported together, as one
/// <see cref="OptionsValidationException"/>, when the host starts or at first use.
/// </remarks>
public static class ShardedRedisCacheServiceCollectionExtensions
{
    /// <summary>
    /// Registers the cache as the application's configuration describes it: <c>ConnectionStrings:ShardedRedis</c> and
    /// section <c>ShardedRedis</c>.
    /// </summary>
    /// <param name="services">Where to register.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddShardedRedisCache(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        Register(services, Options.Options.DefaultName);
        return services;
    }

    /// <summary>Registers the cache; <paramref name="configure"/> runs after the application's configuration was read.</summary>
    /// <param name="services">Where to register.</param>
    /// <param name="configure">Sets options.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddShardedRedisCache(this IServiceCollection services, Action<ShardedRedisCacheOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddShardedRedisCache();
        return services.Configure(configure);
    }

    /// <inheritdoc cref="AddShardedRedisCache(IServiceCollection, Action{ShardedRedisCacheOptions})"/>
    /// <param name="services">Where to register.</param>
    /// <param name="configure">Sets options with the help of the application's services.</param>
    public static IServiceCollection AddShardedRedisCache(
        this IServiceCollection services, Action<ShardedRedisCacheOptions, IServiceProvider> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddShardedRedisCache();
        services.AddOptions<ShardedRedisCacheOptions>().Configure(configure);
        return services;
    }

    /// <summary>Registers the cache with options from a section, which win over those of section <c>ShardedRedis</c>.</summary>
    /// <param name="services">Where to register.</param>
    /// <param name="section">Holds options under their names.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddShardedRedisCache(this IServiceCollection services, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        services.AddShardedRedisCache();
        BindSection(services, Options.Options.DefaultName, section);
        return services;
    }

    /// <summary>
    /// Registers a cache under a key, as the application's configuration describes it: section
    /// <c>ShardedRedis:</c><paramref name="serviceKey"/>, and <c>ConnectionStrings:ShardedRedis</c> where that gives no
    /// connection string. Caches that share servers are kept apart by their instance name.
    /// </summary>
    /// <param name="services">Where to register.</param>
    /// <param name="serviceKey">The key for <see cref="FromKeyedServicesAttribute"/>, and the name of the options.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddKeyedShardedRedisCache(this IServiceCollection services, string serviceKey)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(serviceKey);
        Register(services, serviceKey);
        return services;
    }

    /// <inheritdoc cref="AddKeyedShardedRedisCache(IServiceCollection, string)"/>
    /// <param name="services">Where to register.</param>
    /// <param name="serviceKey">The key for <see cref="FromKeyedServicesAttribute"/>, and the name of the options.</param>
    /// <param name="configure">Sets options; runs after the application's configuration was read.</param>
    public static IServiceCollection AddKeyedShardedRedisCache(
        this IServiceCollection services, string serviceKey, Action<ShardedRedisCacheOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddKeyedShardedRedisCache(serviceKey);
        return services.Configure(serviceKey, configure);
    }

    /// <inheritdoc cref="AddKeyedShardedRedisCache(IServiceCollection, string)"/>
    /// <param name="services">Where to register.</param>
    /// <param name="serviceKey">The key for <see cref="FromKeyedServicesAttribute"/>, and the name of the options.</param>
    /// <param name="configure">Sets options with the help of the application's services.</param>
    public static IServiceCollection AddKeyedShardedRedisCache(
        this IServiceCollection services, string serviceKey, Action<ShardedRedisCacheOptions, IServiceProvider> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddKeyedShardedRedisCache(serviceKey);
        services.AddOptions<ShardedRedisCacheOptions>(serviceKey).Configure(configure);
        return services;
    }

    /// <inheritdoc cref="AddKeyedShardedRedisCache(IServiceCollection, string)"/>
    /// <param name="services">Where to register.</param>
    /// <param name="serviceKey">The key for <see cref="FromKeyedServicesAttribute"/>, and the name of the options.</param>
    /// <param name="section">Holds options under their names; they win over those of the key's own section.</param>
    public static IServiceCollection AddKeyedShardedRedisCache(
        this IServiceCollection services, string serviceKey, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        services.AddKeyedShardedRedisCache(serviceKey);
        BindSection(services, serviceKey, section);
        return services;
    }

    /// <summary>Registers the cache of this name for other services, and not as <see cref="IDistributedCache"/>.</summary>
    internal static void AddShardedRedisCacheCore(this IServiceCollection services, string name)
    {
        if (!services.Any(service => service.ImplementationInstance is Registered other && other.Name == name))
        {
            services.AddSingleton(new Registered(name));
            AddOptions(services, name);
        }

        if (name == Options.Options.DefaultName)
        {
            services.TryAddSingleton(provider => ShardedCacheFactory.Create(provider, name));
        }
        else
        {
            services.TryAddKeyedSingleton(name, static (provider, key) => ShardedCacheFactory.Create(provider, (string)key!));
        }
    }

    private static void Register(IServiceCollection services, string name)
    {
        services.AddShardedRedisCacheCore(name);
        if (name == Options.Options.DefaultName)
        {
            services.AddSingleton<IDistributedCache>(static provider => provider.GetRequiredService<IShardedCache>());
        }
        else
        {
            services.AddKeyedSingleton<IDistributedCache>(name, static (provider, key) => provider.GetRequiredKeyedService<IShardedCache>(key));
        }
    }

    private static void AddOptions(IServiceCollection services, string name)
    {
        OptionsFromConfiguration FromConfiguration(IServiceProvider provider) => new(name, provider.GetService<IConfiguration>());
        services.AddSingleton<IConfigureOptions<ShardedRedisCacheOptions>>(FromConfiguration);
        services.AddSingleton<IPostConfigureOptions<ShardedRedisCacheOptions>>(FromConfiguration);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ShardedRedisCacheOptions>, ShardedRedisCacheOptionsValidator>(
            static provider => new(allowsLocalMemory: provider.GetService<IHostEnvironment>()?.IsDevelopment() == true)));
        services.AddOptions<ShardedRedisCacheOptions>(name).ValidateOnStart();
        services.AddSingleton<IHostedService>(provider => new ConnectAtStart(provider, name));
    }

    private static void BindSection(IServiceCollection services, string name, IConfigurationSection section) =>
        services.Configure<ShardedRedisCacheOptions>(name, options =>
        {
            // The one that is read in any case may be left out: everything can be in a connection string.
            if (!section.Path.Equals(OptionsFromConfiguration.PathOf(name), StringComparison.OrdinalIgnoreCase)
                && !section.GetChildren().Any(static child => child.Value is not null))
            {
                options.MissingSections.Add(section.Path);
            }

            SectionBinding.Bind(section, options);
        });

    /// <summary>Marks that a name's options are registered, so that registering again leaves earlier settings in place.</summary>
    private sealed record Registered(string Name);
}
