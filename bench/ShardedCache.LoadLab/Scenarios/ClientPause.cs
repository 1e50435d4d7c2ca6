using ShardedCache.LoadLab.Failover;
using ShardedCache.LoadLab.History;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>Sentinels are patient here, so that the same master must be taken up again.</summary>
internal sealed class ClientPause() : Scenario("client-pause", "CLIENT PAUSE ALL for 2 s: connections stay open, nothing is answered, no failover")
{
    public override void Configure(RedisFarmOptions options) => options.DownAfter = TimeSpan.FromSeconds(10);

    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        run.Breaking(run.Shard);
        await master.ExecuteAsync("CLIENT", "PAUSE", "2000", "ALL");
        await master.ExecuteAsync("PING");
        run.Require(Ticks.Now - run.Moments[0] > Ticks.Of(1500), "the server was silent for 2 s");
    }
}
