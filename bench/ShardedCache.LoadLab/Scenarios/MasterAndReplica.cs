using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>Nobody has a copy any more of what was written before: its loss is counted apart. What is written during the outage must not be lost.</summary>
internal sealed class MasterAndReplica() : Scenario(
    "master-and-replica", "a master and its replica die together and return empty: 1/n of the data is lost, the rest is served, the shard is used again")
{
    public override async Task BreakAsync(ScenarioRun run)
    {
        run.Breaking(run.Shard);
        foreach (var server in run.Shard.Servers)
        {
            server.Kill();
        }

        await run.Pass(3);
        foreach (var server in run.Shard.Servers)
        {
            await server.StartAsync(run.Cancellation);
        }
    }
}
