using ShardedCache.LoadLab.Failover;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>Sentinels are locked out too, so they promote the replica; the old master is restarted in the end.</summary>
internal sealed class MaxClients() : Scenario("max-clients", "all connections are closed and new ones refused: max number of clients reached")
{
    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        await master.ExecuteAsync("CONFIG", "SET", "maxclients", "1");
        run.Breaking(run.Shard);
        var refused = await RefusesAsync(master, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no");
        refused |= await RefusesAsync(master, "PING");
        run.Require(refused, "the server refused a connection");
        await run.PromotedAsync(run.Shard, master);
        master.Kill();
        await master.StartAsync(run.Cancellation);
    }

    private static async Task<bool> RefusesAsync(RedisProcess server, params string[] command)
    {
        try
        {
            await server.ExecuteAsync(command);
            return false;
        }
        catch (RedisFarmException e)
        {
            return e.Message.Contains("max number of clients", StringComparison.Ordinal);
        }
    }
}
