using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>Some Sentinels are down before, during and after the death of a master. Without a majority nothing is promoted until they return.</summary>
internal sealed class SentinelsDown(int count) : Scenario(
    count == 3 ? "sentinels-down-all" : $"sentinels-down-{count}", $"{count} of 3 Sentinels are down when a master is killed; they return 3 s later")
{
    private const int All = 3;

    public override async Task BreakAsync(ScenarioRun run)
    {
        var down = run.Farm.Sentinels.Take(count).ToArray();
        var master = run.Shard.InitialMaster;
        foreach (var sentinel in down)
        {
            sentinel.Kill();
        }

        await run.Pass(0.5);
        run.Breaking(run.Shard);
        master.Kill();
        await run.Pass(3);
        if (count > All / 2)
        {
            var info = await run.Shard.Servers[1].ExecuteAsync("ROLE");
            run.Require(info.StartsWith("slave", StringComparison.Ordinal), "nothing was promoted without a majority");
        }

        foreach (var sentinel in down)
        {
            await sentinel.StartAsync(run.Cancellation);
        }

        await run.PromotedAsync(run.Shard, master);
    }
}
