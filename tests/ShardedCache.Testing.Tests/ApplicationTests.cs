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

        // Replication is asynchronous: what the replica did not get yet dies with the master.
        var shard = farm.Shard(cache.GetShard("cart"));
        Assert.Equal("1", await shard.InitialMaster.ExecuteAsync("WAIT", "1", "2000"));

        shard.InitialMaster.Kill();
        await shard.WaitForNewMasterAsync(shard.InitialMaster);

        Assert.Equal([1, 2, 3], await WhenAvailableAsync(() => cache.GetAsync("cart")));
    }

    // The cache learns of the new master a moment after the Sentinels have agreed on it.
    private static async Task<byte[]?> WhenAvailableAsync(Func<Task<byte[]?>> read)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            try
            {
                return await read();
            }
            catch (ShardUnavailableException) when (!deadline.IsCancellationRequested)
            {
                await Task.Delay(20);
            }
        }
    }
}
