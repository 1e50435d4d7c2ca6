using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ShardedCache.Farm.Tests.Cache;

/// <summary>A cache as an application gets it, with its log kept.</summary>
internal sealed class CacheHost : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    /// <param name="configuration">The connection string.</param>
    /// <param name="configure">Further options. Unless they say otherwise, a shard that is not up throws: so a test sees it.</param>
    public CacheHost(string configuration, Action<ShardedRedisCacheOptions>? configure = null)
    {
        _services = new ServiceCollection()
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(Log))
            .AddShardedRedisCache(options =>
            {
                options.Configuration = configuration;
                options.FailoverMode = FailoverMode.Throw;
                configure?.Invoke(options);
            })
            .BuildServiceProvider();
        Cache = _services.GetRequiredService<IShardedCache>();
    }

    public RecordedLog Log { get; } = new();

    public IShardedCache Cache { get; }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    /// <summary>Finds a key that lives on the shard.</summary>
    public string KeyOn(string shard, string prefix = "key") =>
        Enumerable.Range(0, 10_000).Select(i => $"{prefix}-{i}").First(key => Cache.GetShard(key) == shard);
}
