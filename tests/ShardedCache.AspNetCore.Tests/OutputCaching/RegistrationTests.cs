using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.AspNetCore.OutputCaching;

namespace ShardedCache.AspNetCore.Tests.OutputCaching;

public class RegistrationTests
{
    private const string Nowhere = "127.0.0.1:1";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_store_replaces_the_default_one_before_and_after_AddOutputCache(bool isAfter)
    {
        var services = new ServiceCollection().AddLogging().AddShardedRedisCache(static options => options.Configuration = Nowhere);
        _ = isAfter ? services.AddOutputCache().AddShardedRedisOutputCache() : services.AddShardedRedisOutputCache().AddOutputCache();
        await using var provider = services.BuildServiceProvider();

        Assert.IsType<ShardedOutputCacheStore>(Assert.Single(provider.GetServices<IOutputCacheStore>()));
        Assert.Same(provider.GetRequiredService<IOutputCacheStore>(), provider.GetRequiredService<IOutputCacheStore>());
    }

    [Fact]
    public async Task Alone_it_makes_the_cache_for_itself_and_leaves_the_application_s_distributed_cache_as_it_is()
    {
        await using var provider = new ServiceCollection()
            .AddDistributedMemoryCache()
            .AddOutputCache()
            .AddShardedRedisOutputCache()
            .Configure<ShardedRedisCacheOptions>(static options => options.Configuration = Nowhere)
            .BuildServiceProvider();

        Assert.IsType<ShardedOutputCacheStore>(provider.GetRequiredService<IOutputCacheStore>());
        Assert.IsType<MemoryDistributedCache>(provider.GetRequiredService<IDistributedCache>());
    }

    [Fact]
    public async Task With_a_key_it_uses_the_cache_of_that_key()
    {
        await using var provider = new ServiceCollection()
            .AddOutputCache()
            .AddKeyedShardedRedisCache("pages", static options => options.Configuration = Nowhere)
            .AddShardedRedisOutputCache("pages")
            .BuildServiceProvider();

        Assert.IsType<ShardedOutputCacheStore>(provider.GetRequiredService<IOutputCacheStore>());
        Assert.NotNull(provider.GetRequiredKeyedService<IShardedCache>("pages"));
        Assert.Null(provider.GetService<IShardedCache>());
    }

    [Fact]
    public void A_missing_argument_is_told()
    {
        Assert.Throws<ArgumentNullException>(static () => ShardedRedisOutputCacheServiceCollectionExtensions.AddShardedRedisOutputCache(null!));
        Assert.Throws<ArgumentException>(static () => new ServiceCollection().AddShardedRedisOutputCache(""));
    }
}
