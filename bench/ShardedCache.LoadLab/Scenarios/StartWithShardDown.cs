using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

internal sealed class StartWithShardDown() : Scenario("start-with-shard-down", "the application starts while a shard's servers are down; they start 3 s later")
{
    public override bool HasBaseline => false;

    public override Task PrepareAsync(ScenarioRun run)
    {
        foreach (var server in run.Shard.Servers)
        {
            server.Kill();
        }

        return Task.CompletedTask;
    }

    public override async Task BreakAsync(ScenarioRun run)
    {
        run.Breaking(run.Shard);
        await run.Pass(3);
        foreach (var server in run.Shard.Servers)
        {
            await server.StartAsync(run.Cancellation);
        }
    }
}
