using ShardedCache.LoadLab.Failover;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>
/// An append-only file without fsync keeps all that was acknowledged over the end of the process; reading it again is slowed
/// down. Sentinels are patient, so the same master returns.
/// </summary>
internal sealed class Loading() : Scenario("loading", "a master is killed and restarted with its data, and says LOADING for some seconds, no failover")
{
    /// <summary>So much to load that the server comes to answer meanwhile: it looks for clients once in 1024 commands.</summary>
    private const string Fill = "for i = 1, 4000 do redis.call('SET', 'filler:' .. i, i) end";

    private const string MicrosecondsPerCommand = "500";

    public override void Configure(RedisFarmOptions options)
    {
        options.DownAfter = TimeSpan.FromSeconds(20);
        options.ServerConfiguration.Add("appendonly yes");
        options.ServerConfiguration.Add("appendfsync no");
    }

    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        await master.ExecuteAsync("EVAL", Fill, "0");
        await master.ExecuteAsync("CONFIG", "SET", "key-load-delay", MicrosecondsPerCommand);
        await master.ExecuteAsync("CONFIG", "REWRITE");
        run.Breaking(run.Shard);
        master.Kill();
        var started = master.StartAsync(run.Cancellation);
        run.Require(await run.AnswersWithAsync(master, "LOADING", 5, "GET", "x"), "the server said LOADING");
        await started;
    }
}
