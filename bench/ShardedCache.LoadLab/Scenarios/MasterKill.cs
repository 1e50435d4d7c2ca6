using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

internal sealed class MasterKill() : Scenario("master-kill", "a master is killed (SIGKILL) and its replica promoted")
{
    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        run.Breaking(run.Shard);
        master.Kill();
        await run.PromotedAsync(run.Shard, master);
    }
}
