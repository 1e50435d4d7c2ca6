using ShardedCache.LoadLab.Failover;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>What an operator must not do. Its loss is counted apart; what was not yet proven to be replicated must not be lost.</summary>
internal sealed class EmptyMaster() : Scenario(
    "empty-master", "a master is killed and back, empty, before the Sentinels count it as down: its replica throws away what it held, the shard is used again")
{
    public override void Configure(RedisFarmOptions options) => options.DownAfter = TimeSpan.FromSeconds(30);

    public override async Task BreakAsync(ScenarioRun run)
    {
        run.Breaking(run.Shard);
        run.Shard.InitialMaster.Kill();
        await run.Pass(1);
        await run.Shard.InitialMaster.StartAsync(run.Cancellation);
        await run.Shard.WaitForReplicasAsync(cancellationToken: run.Cancellation);
    }
}
