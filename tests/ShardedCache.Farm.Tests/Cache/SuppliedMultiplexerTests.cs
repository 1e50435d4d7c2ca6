using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Testing;
using StackExchange.Redis;

namespace ShardedCache.Farm.Tests.Cache;

public class SuppliedMultiplexerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_application_s_own_multiplexers_serve_the_cache_and_outlive_it()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { ReplicasPerShard = 0, Sentinels = 0 }, Cancellation);
        var supplied = new Dictionary<string, IConnectionMultiplexer>();
        foreach (var shard in ConnectionString.Parse(farm.ConnectionString).Shards)
        {
            supplied.Add(shard.Name, await ConnectionMultiplexer.ConnectAsync(shard.Name));
        }

        await using (var host = new CacheHost(farm.ConnectionString, options => options.ConnectionMultiplexerFactory = name => Task.FromResult(supplied[name])))
        {
            var keys = Enumerable.Range(0, 50).Select(i => $"key-{i}").ToArray();
            await Eventually.AnswersAsync(() => host.Cache.GetManyAsync(keys, Cancellation));
            await host.Cache.SetManyAsync([.. keys.Select(key => new KeyValuePair<string, byte[]>(key, [1]))], new DistributedCacheEntryOptions(), Cancellation);
            Assert.All(await host.Cache.GetManyAsync(keys, Cancellation), Assert.NotNull);
        }

        foreach (var multiplexer in supplied.Values)
        {
            Assert.True(multiplexer.IsConnected);
            await multiplexer.GetDatabase().PingAsync();
            await multiplexer.DisposeAsync();
        }
    }
}
