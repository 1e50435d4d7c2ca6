using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

internal sealed class CutClientMaster() : Scenario(
    "cut-client-master", "one client is cut off from one master for 4 s, which everybody else, Sentinels too, still sees")
{
    public override bool NeedsNetwork => true;

    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        run.Breaking(run.Shard);
        run.Network.CutPort(master.Port);
        await run.Pass(4);
        run.Require(await run.Shard.GetMasterAsync(run.Cancellation) == master, "no failover took place");
        run.Network.MendWorker();
    }
}
