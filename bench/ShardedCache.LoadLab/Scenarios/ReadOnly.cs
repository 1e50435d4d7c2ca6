using ShardedCache.LoadLab.Failover;

namespace ShardedCache.LoadLab.Scenarios;

internal sealed class ReadOnly() : Scenario("readonly", "a live master turns into a replica: its connections stay, writes are refused with READONLY, until Sentinels repair it")
{
    private const string NobodyPort = "1";

    public override async Task BreakAsync(ScenarioRun run)
    {
        await run.QuickenSentinelsAsync();
        var master = run.Shard.InitialMaster;
        run.Breaking(run.Shard);
        await master.ExecuteAsync("REPLICAOF", master.Host, NobodyPort);
        run.Require(await run.AnswersWithAsync(master, "READONLY", 2, "SET", "x", "y"), "the server said READONLY");
        await run.PromotedAsync(run.Shard, master);
    }
}
