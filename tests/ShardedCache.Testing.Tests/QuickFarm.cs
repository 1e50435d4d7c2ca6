namespace ShardedCache.Testing.Tests;

internal static class QuickFarm
{
    /// <summary>
    /// One shard whose Sentinels talk more often than every 2 and 10 s, so that an old master is demoted after one second instead of ten.
    /// </summary>
    public static async Task<RedisFarm> StartAsync(string? password = null)
    {
        var farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 1, Password = password }, TestContext.Current.CancellationToken);
        foreach (var sentinel in farm.Sentinels)
        {
            await sentinel.ExecuteAsync("SENTINEL", "DEBUG", "PUBLISH-PERIOD", "200", "INFO-PERIOD", "500");
        }

        return farm;
    }
}
