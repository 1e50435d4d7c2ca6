using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

internal sealed class PlannedFailover() : Scenario("planned-failover", "SENTINEL FAILOVER under load: nothing is broken, nothing may be lost")
{
    public override Promises Promises { get; } = new() { MaxGap = TimeSpan.FromMilliseconds(200) };

    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        run.Breaking(run.Shard);
        var asked = run.Shard.FailOverAsync(run.Cancellation);
        await run.PromotedAsync(run.Shard, master);
        await asked;
    }
}
