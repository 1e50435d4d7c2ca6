using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

internal sealed class MachineKill() : Scenario("machine-kill", "every master is killed at once, as when their machine dies")
{
    public override async Task BreakAsync(ScenarioRun run)
    {
        run.BreakingEverything();
        foreach (var shard in run.Farm.Shards)
        {
            shard.InitialMaster.Kill();
        }

        await Task.WhenAll(run.Farm.Shards.Select(shard => run.PromotedAsync(shard, shard.InitialMaster)));
    }
}
