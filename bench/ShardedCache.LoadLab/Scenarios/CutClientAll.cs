using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

internal sealed class CutClientAll() : Scenario("cut-client-all", "one client is cut off from all servers and Sentinels for 4 s")
{
    public override bool NeedsNetwork => true;

    public override async Task BreakAsync(ScenarioRun run)
    {
        run.BreakingEverything();
        run.Network.CutAll();
        await run.Pass(4);
        run.Network.MendAll();
    }
}
