using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

internal sealed class DebugSleep() : Scenario("debug-sleep", "DEBUG SLEEP 3: the master answers nobody, its replica is promoted, the old master wakes up")
{
    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        run.Breaking(run.Shard);
        var slept = master.ExecuteAsync("DEBUG", "SLEEP", "3");
        await run.PromotedAsync(run.Shard, master);
        await slept;
    }
}
