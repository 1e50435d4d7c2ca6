using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Cache;

public class InstanceNameTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_put_before_every_key_as_it_stands_and_keeps_applications_apart()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Cancellation);
        await using var shop = new CacheHost(farm.ConnectionString, options => options.InstanceName = "shop:ü:");
        await using var news = new CacheHost(farm.ConnectionString + ",instanceName=news:");
        await using var raw = new CacheHost(farm.ConnectionString);

        await Eventually.AnswersAsync(() => SetAsync(shop, "key", "of the shop"));
        await Eventually.AnswersAsync(() => SetAsync(news, "key", "of the news"));

        Assert.Equal("of the shop", await shop.Cache.GetStringAsync("key", Cancellation));
        Assert.Equal("of the news", await news.Cache.GetStringAsync("key", Cancellation));
        Assert.Null(await Eventually.AnswersAsync(() => raw.Cache.GetStringAsync("key", Cancellation)));
        Assert.Equal("of the shop", await raw.Cache.GetStringAsync("shop:ü:key", Cancellation));
        Assert.Equal("1", (await farm.Shards[0].InitialMaster.ExecuteAsync("EXISTS", "news:key")).Trim());
    }

    private static async Task<bool> SetAsync(CacheHost host, string key, string value)
    {
        await host.Cache.SetStringAsync(key, value, Cancellation);
        return true;
    }
}
