using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Layers;

public sealed class HybridLayerTests(LayerFarm servers) : LayerContract(servers), IClassFixture<LayerFarm>
{
    private protected override Layer Create(RedisFarm farm) => new HybridLayer(farm);

    [Fact]
    public async Task It_reads_and_writes_through_buffers_alone()
    {
        await using var layer = await JoinAsync(Farm);

        await layer.SetAsync(Key(), "value", Key("tag"));
        await layer.RemoveByTagAsync(Key("tag"));
        await layer.FindAsync(Key(), Key("tag"));

        Assert.Superset(new HashSet<string> { "SetAsync (buffer)", "TryGetAsync (buffer)" }, layer.SecondLevel.Calls.ToHashSet());
        Assert.DoesNotContain(layer.SecondLevel.Calls, static call => call.EndsWith("(array)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_keyed_cache_is_its_second_level_by_DistributedCacheServiceKey()
    {
        var registered = new ServiceCollection();
        registered.AddShardedRedisCache(options => options.Configuration = "127.0.0.1:1");
        registered.AddKeyedShardedRedisCache("pages", options => (options.Configuration, options.InstanceName) = (Farm.ConnectionString, "pages:"));
        registered.AddHybridCache(static options => options.DistributedCacheServiceKey = "pages");
        await using var services = registered.BuildServiceProvider();

        await services.GetRequiredService<HybridCache>().SetAsync(Key(), "value", cancellationToken: TestContext.Current.CancellationToken);

        var cache = services.GetRequiredKeyedService<IShardedCache>("pages");
        Assert.NotNull(await cache.GetAsync(Key(), TestContext.Current.CancellationToken));
        Assert.Equal("1", await Farm.Shard(cache.GetShard(Key())).InitialMaster.ExecuteAsync("EXISTS", "pages:" + Key()));
    }
}
