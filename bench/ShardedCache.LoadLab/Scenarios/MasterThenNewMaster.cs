using ShardedCache.LoadLab.Failover;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

internal sealed class MasterThenNewMaster() : Scenario(
    "master-then-new-master", "a master is killed, returns as the replica of its successor, and then that one is killed")
{
    /// <summary>A Sentinel begins no second failover of a shard within twice this time.</summary>
    public override void Configure(RedisFarmOptions options) => options.FailoverTimeout = TimeSpan.FromSeconds(1.5);

    public override async Task BreakAsync(ScenarioRun run)
    {
        await run.QuickenSentinelsAsync();
        var first = run.Shard.InitialMaster;
        run.Breaking(run.Shard);
        first.Kill();
        var second = await run.PromotedAsync(run.Shard, first);
        await first.StartAsync(run.Cancellation);
        await run.Shard.WaitForReplicasAsync(cancellationToken: run.Cancellation);

        run.Breaking(run.Shard);
        second.Kill();
        await run.Shard.WaitForMasterAsync(first, cancellationToken: run.Cancellation);
    }
}
