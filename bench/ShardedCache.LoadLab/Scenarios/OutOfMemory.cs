using ShardedCache.LoadLab.Failover;
using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>A write that finds no room counts as evicted at once: a miss is right then, an older value is not.</summary>
internal sealed class OutOfMemory() : Scenario("oom", "maxmemory is reached without an eviction policy: every write is refused with OOM for 2 s")
{
    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        run.Breaking(run.Shard);
        await master.ExecuteAsync("CONFIG", "SET", "maxmemory", "1mb");
        run.Require(await run.AnswersWithAsync(master, "OOM", 2, "SET", "x", "y"), "the server said OOM");
        await run.Pass(2);
        await master.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        run.Happened(ShardEventKind.MayEvict, run.Shard, run.Moments[0], Ticks.Now);
    }
}
