namespace ShardedCache.Testing.Tests;

public class FarmTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_started_farm_answers()
    {
        await using var farm = await RedisFarm.StartAsync(cancellationToken: Cancellation);

        var master = await farm.Shard("shard-1").GetMasterAsync(Cancellation);
        await master.ExecuteAsync("SET", "key", "value");
        await farm.Shard("shard-1").WaitForReplicasAsync(cancellationToken: Cancellation);

        Assert.Equal("value", await master.ExecuteAsync("GET", "key"));
        Assert.Same(farm.Shard("shard-1").InitialMaster, master);
    }
}
