using ShardedCache.LoadLab.Failover;
using ShardedCache.LoadLab.History;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>The lab excuses the loss of what every server has thrown away, and no other.</summary>
public sealed class LineageTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Where_an_empty_server_is_made_master_and_its_replica_follows_it_every_copy_is_gone()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, DownAfter = Outage.NoPromotion }, Token);
        var run = new ScenarioRun(farm, null, new RunSettings(), Token);
        await using var lineage = await Lineage.FollowAsync(run);
        lineage.Tell();
        Assert.Empty(run.Events);
        var killed = Ticks.Now;

        run.Shard.InitialMaster.Kill();
        await Task.Delay(1000, Token);
        var started = Ticks.Now;
        await run.Shard.InitialMaster.StartAsync(Token);
        await run.Shard.WaitForReplicasAsync(cancellationToken: Token);

        await Eventually.HoldsAsync(IsTold, "the loss is told");
        var told = run.Events[0];
        Assert.Equal((ShardEventKind.DataLost, 0), (told.Kind, told.Shard));
        var before = killed - Ticks.Of(TimeSpan.FromSeconds(1));
        Assert.InRange(told.Start, before, Ticks.Now);
        Assert.InRange(told.End, before, started);

        bool IsTold()
        {
            lineage.Tell();
            return run.Events.Count > 0;
        }
    }

    [Fact]
    public async Task Where_the_replica_is_promoted_and_the_empty_old_master_follows_it_nothing_is_gone()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1 }, Token);
        var run = new ScenarioRun(farm, null, new RunSettings(), Token);
        await using var lineage = await Lineage.FollowAsync(run);
        await run.QuickenSentinelsAsync();

        for (var i = 0; i < 2; i++)
        {
            var master = await run.Shard.GetMasterAsync(Token);
            master.Kill();
            await run.Shard.WaitForNewMasterAsync(master, cancellationToken: Token);
            await master.StartAsync(Token);
            await run.Shard.WaitForReplicasAsync(cancellationToken: Token);
        }

        // Long enough for every server to be asked again.
        await Task.Delay(500, Token);
        lineage.Tell();
        Assert.Empty(run.Events);
    }
}
