using ShardedCache.LoadLab.Failover;
using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>
/// A client is stopped in the middle of an outage, with writes that only it knows of, and goes on long after the failover.
/// Beyond the life of a tombstone (2 minutes) nobody knows any more what was removed meanwhile: then it may not bring its old
/// writes back, and they are lost instead.
/// </summary>
internal sealed class ClientStopped(string name, int seconds) : Scenario(name, $"a client process is stopped (SIGSTOP) for {seconds} s, from the middle of an outage on")
{
    private const int TombstoneSeconds = 120;

    /// <summary>The process itself stands still.</summary>
    public override Promises Promises { get; } = new() { GapCounts = false };

    public override bool IsLong => seconds > TombstoneSeconds;

    public override async Task BreakAsync(ScenarioRun run)
    {
        var (master, client) = (run.Shard.InitialMaster, run.Workers[0]);
        run.Breaking(run.Shard);
        master.Kill();
        await run.Pass(0.7);
        client.Pause();
        var stopped = Ticks.Now;
        var over = run.Pass(seconds);
        await run.PromotedAsync(run.Shard, master);
        await over;
        run.Breaking(run.Shard);
        client.Resume();
        if (IsLong)
        {
            run.Happened(ShardEventKind.MayEvict, run.Shard, run.Moments[0] - Ticks.Of(1000), stopped);
        }
    }
}
