using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

internal sealed class StartWithEverythingDown() : Scenario(
    "start-with-everything-down", "the application starts while every server and Sentinel is down; they start 3 s later")
{
    public override bool HasBaseline => false;

    public override Task PrepareAsync(ScenarioRun run)
    {
        foreach (var process in run.Farm.Sentinels.Concat(run.Farm.Shards.SelectMany(static shard => shard.Servers)))
        {
            process.Kill();
        }

        return Task.CompletedTask;
    }

    public override async Task BreakAsync(ScenarioRun run)
    {
        run.BreakingEverything();
        await run.Pass(3);

        // Masters first: a replica that finds none takes a while to ask again.
        foreach (var server in run.Farm.Shards.SelectMany(static shard => shard.Servers).Concat(run.Farm.Sentinels))
        {
            await server.StartAsync(run.Cancellation);
        }
    }
}
