using System.Diagnostics;

namespace ShardedCache.Testing.Tests;

public class SizeTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Eight_shards_with_replicas_and_three_Sentinels_start()
    {
        var clock = Stopwatch.StartNew();
        var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 8 }, TestContext.Current.CancellationToken);
        output.WriteLine($"Started in {clock.Elapsed.TotalSeconds:0.00} s");

        Assert.Equal(16, farm.Shards.SelectMany(shard => shard.Servers).Count(server => server.IsRunning));
        Assert.Equal(3, farm.Sentinels.Count(sentinel => sentinel.IsRunning));

        clock.Restart();
        await farm.DisposeAsync();
        output.WriteLine($"Disposed in {clock.Elapsed.TotalSeconds:0.00} s");
    }
}
