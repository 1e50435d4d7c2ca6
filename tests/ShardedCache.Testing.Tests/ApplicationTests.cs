using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;

namespace ShardedCache.Testing.Tests;

// docs/testing.md quotes this class; DocumentationTests compares them.
#pragma warning disable xUnit1051 // The page shows the farm, not the cancellation of tests.
public class ApplicationTests
{
    [Fact]
    public async Task A_cart_is_still_there_after_its_master_died()
    {
        await using var farm = await RedisFarm.StartAsync();
        await using var services = new ServiceCollection()
            .AddShardedRedisCache(options => options.Configuration = farm.ConnectionString)
            .BuildServiceProvider();
        var cache = services.GetRequiredService<IShardedCache>();
        await cache.SetAsync("cart", [1, 2, 3]);

        var shard = farm.Shard(cache.GetShard("cart"));
        shard.InitialMaster.Kill();
        Assert.Equal([1, 2, 3], await cache.GetAsync("cart"));

        await shard.WaitForNewMasterAsync(shard.InitialMaster);
        Assert.Equal([1, 2, 3], await cache.GetAsync("cart"));
    }
}
