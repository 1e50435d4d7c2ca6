using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Cache;

public class HybridCacheTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_processes_share_what_HybridCache_has_stored_in_its_second_level()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { ReplicasPerShard = 0, Sentinels = 0 }, Cancellation);
        await using var first = Application(farm);
        await using var second = Application(farm);
        await Eventually.AnswersAsync(() => first.GetRequiredService<IShardedCache>().GetManyAsync(["a", "b", "c", "d", "e", "f"], Cancellation));
        var madeHere = new int[2];

        var value = await GetAsync(first, () => madeHere[0]++);
        await Eventually.HoldsAsync(
            async () => await first.GetRequiredService<IShardedCache>().GetAsync("answer", Cancellation) is not null, "the entry is in the second level");
        var same = await GetAsync(second, () => madeHere[1]++);

        Assert.Equal(new Answer("forty-two", 42), value);
        Assert.Equal(value, same);
        Assert.Equal([1, 0], madeHere);

        await second.GetRequiredService<HybridCache>().RemoveAsync("answer", Cancellation);
        Assert.Null(await first.GetRequiredService<IShardedCache>().GetAsync("answer", Cancellation));
    }

    private static ServiceProvider Application(RedisFarm farm)
    {
        var services = new ServiceCollection().AddShardedRedisCache(options => options.Configuration = farm.ConnectionString);
        services.AddHybridCache();
        return services.BuildServiceProvider();
    }

    private static ValueTask<Answer> GetAsync(ServiceProvider application, Action made) =>
        application.GetRequiredService<HybridCache>().GetOrCreateAsync(
            "answer",
            _ =>
            {
                made();
                return ValueTask.FromResult(new Answer("forty-two", 42));
            },
            cancellationToken: Cancellation);

    private sealed record Answer(string Text, int Number);
}
