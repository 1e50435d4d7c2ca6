using ShardedCache.LoadLab.Failover;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>Nothing may pile up: memory, connections, log lines.</summary>
internal sealed class Flapping() : Scenario("flapping", "one shard's masters are killed and restarted in turn, ten times; the old ones return as replicas")
{
    private const double SecondsOfTenTimes = 10;

    /// <summary>A Sentinel begins no second failover of a shard within twice this time.</summary>
    public override void Configure(RedisFarmOptions options) => options.FailoverTimeout = TimeSpan.FromSeconds(1.5);

    public override async Task BreakAsync(ScenarioRun run)
    {
        await run.QuickenSentinelsAsync();
        var times = run.Settings.Seconds < SecondsOfTenTimes ? 3 : 10;
        for (var i = 0; i < times; i++)
        {
            var master = await run.Shard.GetMasterAsync(run.Cancellation);
            run.Breaking(run.Shard);
            master.Kill();
            await run.PromotedAsync(run.Shard, master);
            await master.StartAsync(run.Cancellation);
            await run.Shard.WaitForReplicasAsync(cancellationToken: run.Cancellation);
        }
    }
}
