using System.Diagnostics;
using ShardedCache.LoadLab.Failover;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>Sentinels are patient here: an impatient one kills the script.</summary>
internal sealed class BusyScript() : Scenario("busy-script", "a script runs for 3 s and everybody is told BUSY, no failover")
{
    private const string Script = """
        local start = redis.call('TIME')
        repeat local now = redis.call('TIME') until (now[1] - start[1]) * 1000000 + (now[2] - start[2]) > 3000000
        return 1
        """;

    public override void Configure(RedisFarmOptions options)
    {
        options.DownAfter = TimeSpan.FromSeconds(15);
        options.ServerConfiguration.Add("busy-reply-threshold 200");
    }

    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;

        // Elsewhere a healthy shard has a processor of its own: here the script takes only what the others leave.
        using (var process = Process.GetProcessById(master.ProcessId))
        {
            process.PriorityClass = ProcessPriorityClass.Idle;
        }

        run.Breaking(run.Shard);
        var running = master.ExecuteAsync("EVAL", Script, "0");
        run.Require(await run.AnswersWithAsync(master, "BUSY", 2, "GET", "x"), "the server said BUSY");
        await running;
    }
}
