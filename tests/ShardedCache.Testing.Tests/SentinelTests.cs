namespace ShardedCache.Testing.Tests;

public class SentinelTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sentinels_can_be_killed_restarted_moved_added_and_removed()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1 }, Cancellation);
        var (first, second) = (farm.Sentinels[0], farm.Sentinels[1]);

        first.Kill();
        await first.StartAsync(Cancellation);
        var moved = await farm.MoveSentinelAsync(second, Cancellation);
        var added = await farm.AddSentinelAsync(Cancellation);
        await farm.WaitForSentinelsAsync(cancellationToken: Cancellation);

        Assert.False(second.IsRunning);
        Assert.NotEqual(second.Port, moved.Port);
        Assert.Equal([first, farm.Sentinels[1], moved, added], farm.Sentinels);
        var known = await first.ExecuteAsync("SENTINEL", "SENTINELS", "shard-0");
        Assert.Contains($"\n{added.Port}\n", known, StringComparison.Ordinal);
        Assert.DoesNotContain($"\n{second.Port}\n", known, StringComparison.Ordinal);
        Assert.Contains(moved.EndPoint.ToString(), farm.ConnectionString, StringComparison.Ordinal);

        farm.RemoveSentinel(added);
        Assert.False(added.IsRunning);
        Assert.DoesNotContain(added, farm.Sentinels);
        await farm.Shards[0].FailOverAsync(Cancellation);
    }

    [Fact]
    public async Task An_operator_can_have_a_shard_watched_anew()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, Password = "secret" }, Cancellation);
        var shard = farm.Shards[0];
        var master = await shard.FailOverAsync(Cancellation);
        await shard.WaitForReplicasAsync(cancellationToken: Cancellation);
        Assert.Equal("1", await EpochAsync());

        await shard.MonitorAsync(master, Cancellation);

        Assert.Equal("0", await EpochAsync());
        await farm.WaitForSentinelsAsync(cancellationToken: Cancellation);
        await shard.WaitForMasterAsync(master, cancellationToken: Cancellation);

        async Task<string> EpochAsync()
        {
            var lines = (await farm.Sentinels[0].ExecuteAsync("SENTINEL", "MASTER", "shard-0")).Split('\n');
            return lines[Array.IndexOf(lines, "config-epoch") + 1];
        }
    }
}
