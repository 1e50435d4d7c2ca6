using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>The old master returns, still calls itself master, and takes writes for about 10 s until a Sentinel demotes it.</summary>
internal sealed class MasterPaused(int seconds) : Scenario(
    $"pause-{seconds}s", $"a master is stopped (SIGSTOP), its replica promoted, and the old master goes on after {seconds} s")
{
    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        run.Breaking(run.Shard);
        master.Pause();
        var over = run.Pass(seconds);
        await run.PromotedAsync(run.Shard, master);
        await over;
        master.Resume();
        run.Require((await master.ExecuteAsync("ROLE")).StartsWith("master", StringComparison.Ordinal), "the old master returned as a master");
    }
}
