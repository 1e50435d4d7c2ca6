using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>Both write and remove the shared keys all the time; the later write or removal must win everywhere, whoever made it.</summary>
internal sealed class TwoClientsOneCut() : Scenario(
    "two-clients-one-cut", "one client is cut off from everything for a whole failover, while the other goes on with the same keys")
{
    public override bool NeedsNetwork => true;

    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        run.BreakingEverything();
        run.Network.CutAll();
        await run.Pass(0.5);
        run.Breaking(run.Shard);
        master.Kill();
        await run.PromotedAsync(run.Shard, master);
        await run.Pass(1.5);
        run.Network.MendAll();
    }
}
