using ShardedCache.LoadLab.Failover;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>
/// A directory stands where the snapshot should go, so saving fails. PING is refused, too: Sentinels are patient here, or they
/// would fail over.
/// </summary>
internal sealed class Misconf() : Scenario("misconf", "snapshots fail, so the master refuses every write with MISCONF for 2 s, and still reads")
{
    public override void Configure(RedisFarmOptions options) => options.DownAfter = TimeSpan.FromSeconds(10);

    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        var inTheWay = Path.Combine(master.Directory, "dump.rdb", "in-the-way");
        Directory.CreateDirectory(inTheWay);
        await master.ExecuteAsync("CONFIG", "SET", "save", "36000 1");
        run.Breaking(run.Shard);
        await master.ExecuteAsync("BGSAVE");
        run.Require(await run.AnswersWithAsync(master, "MISCONF", 5, "SET", "x", "y"), "the server said MISCONF");
        await run.Pass(2);
        await master.ExecuteAsync("CONFIG", "SET", "stop-writes-on-bgsave-error", "no");
        await master.ExecuteAsync("CONFIG", "SET", "save", "");
        Directory.Delete(Path.GetDirectoryName(inTheWay)!, recursive: true);
    }
}
