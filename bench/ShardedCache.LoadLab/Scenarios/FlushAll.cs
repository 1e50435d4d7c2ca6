using ShardedCache.LoadLab.Failover;
using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>Counts as a removal of everything on the shard.</summary>
internal sealed class FlushAll() : Scenario("flushall", "an operator flushes a shard")
{
    public override async Task BreakAsync(ScenarioRun run)
    {
        run.Breaking(run.Shard);
        await run.Shard.InitialMaster.ExecuteAsync("FLUSHALL");
        run.Happened(ShardEventKind.Flushed, run.Shard, run.Moments[0], Ticks.Now);
        await run.Pass(2);
    }
}
