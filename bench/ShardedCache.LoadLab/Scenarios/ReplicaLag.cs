using ShardedCache.LoadLab.Failover;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>
/// The replica's connection is closed while it is stopped, or else the system's buffers would bring it everything after
/// all when it goes on.
/// </summary>
internal sealed class ReplicaLag() : Scenario(
    "replica-lag", "the replica is stopped, the master goes on and is killed; the replica goes on, is promoted, and lacks the last writes")
{
    public override async Task BreakAsync(ScenarioRun run)
    {
        var (master, replica) = (run.Shard.Servers[0], run.Shard.Servers[1]);
        replica.Pause();
        await master.ExecuteAsync("CLIENT", "KILL", "TYPE", "replica");
        await run.Pass(1.5);
        var written = await OffsetAsync(master);
        run.Breaking(run.Shard);
        master.Kill();
        replica.Resume();
        var received = await OffsetAsync(replica);
        run.Require(received < written, $"the replica lacked writes (the master was at {written}, the replica at {received})");
        run.Notes.Add($"the replica lacked {written - received} bytes of writes");
        await run.PromotedAsync(run.Shard, master);
    }

    private static async Task<long> OffsetAsync(RedisProcess server)
    {
        const string name = "master_repl_offset:";
        var line = (await server.ExecuteAsync("INFO", "replication")).Split("\r\n").First(static line => line.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(name.Length));
    }
}
