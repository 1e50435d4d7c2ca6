using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.OutputCaching;

/// <summary>An output cache's store as an application gets it.</summary>
internal sealed class StoreHost : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public StoreHost(string configuration, Action<ShardedRedisCacheOptions>? configure = null)
    {
        _services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(Log))
            .AddOutputCache()
            .AddShardedRedisCache(options =>
            {
                options.Configuration = configuration;
                configure?.Invoke(options);
            })
            .AddShardedRedisOutputCache()
            .BuildServiceProvider();
    }

    public RecordedLog Log { get; } = new();

    public IOutputCacheStore Store => _services.GetRequiredService<IOutputCacheStore>();

    public ShardedRedisCache Cache => (ShardedRedisCache)_services.GetRequiredService<IShardedCache>();

    public bool IsUp => Cache.Status.All(static shard => shard.State == Shards.ShardState.Up);

    public static async Task<StoreHost> JoinAsync(RedisFarm farm, Action<ShardedRedisCacheOptions>? configure = null)
    {
        var host = new StoreHost(farm.ConnectionString, configure);
        await host.IsUpAsync();
        return host;
    }

    public Task IsUpAsync() => Eventually.HoldsAsync(() => IsUp, "all shards are up");

    public Task IsDownAsync() => Eventually.HoldsAsync(() => !IsUp, "a shard is not up");

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
