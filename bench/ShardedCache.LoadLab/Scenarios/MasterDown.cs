using ShardedCache.LoadLab.Failover;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>The master is made the replica of nobody, and as such serves nothing; Sentinels then promote its own replica.</summary>
internal sealed class MasterDown() : Scenario("masterdown", "a live master turns into a replica without a master that says MASTERDOWN, until Sentinels repair it")
{
    private const string NobodyPort = "1";

    public override void Configure(RedisFarmOptions options) => options.ServerConfiguration.Add("replica-serve-stale-data no");

    public override async Task BreakAsync(ScenarioRun run)
    {
        await run.QuickenSentinelsAsync();
        var master = run.Shard.InitialMaster;
        run.Breaking(run.Shard);
        await master.ExecuteAsync("REPLICAOF", master.Host, NobodyPort);
        run.Require(await run.AnswersWithAsync(master, "MASTERDOWN", 2, "GET", "x"), "the server said MASTERDOWN");
        await run.PromotedAsync(run.Shard, master);
    }
}
