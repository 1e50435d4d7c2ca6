using System.Net.Sockets;
using ShardedCache.LoadLab.Failover;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>
/// Everything is said over one connection, the only one that is left: it alone can lift the limit again. Sentinels are
/// locked out too, and patient here, or they would fail over.
/// </summary>
internal sealed class MaxClients() : Scenario("max-clients", "all connections are closed and new ones refused for 2 s: max number of clients reached")
{
    public override void Configure(RedisFarmOptions options) => options.DownAfter = TimeSpan.FromSeconds(15);

    public override async Task BreakAsync(ScenarioRun run)
    {
        var master = run.Shard.InitialMaster;
        using var operatorsOwn = new TcpClient();
        await operatorsOwn.ConnectAsync(master.EndPoint, run.Cancellation);
        run.Breaking(run.Shard);
        await SayAsync(operatorsOwn, "CONFIG SET maxclients 1", run.Cancellation);
        await SayAsync(operatorsOwn, "CLIENT KILL TYPE normal SKIPME yes", run.Cancellation);
        run.Require(await RefusesAsync(master), "the server refused a connection");
        await run.Pass(2);
        await SayAsync(operatorsOwn, "CONFIG SET maxclients 1000", run.Cancellation);
    }

    /// <summary>One command without spaces in its arguments; its answer is read, and is one line.</summary>
    private static async Task SayAsync(TcpClient client, string command, CancellationToken cancellationToken)
    {
        await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(command + "\r\n"), cancellationToken);
        var answer = new byte[200];
        var length = await client.GetStream().ReadAsync(answer, cancellationToken);
        if (length == 0 || answer[0] == '-')
        {
            throw new LabException($"{command}: {System.Text.Encoding.ASCII.GetString(answer, 0, length)}");
        }
    }

    private static async Task<bool> RefusesAsync(RedisProcess server)
    {
        try
        {
            await server.ExecuteAsync("PING");
            return false;
        }
        catch (RedisFarmException e)
        {
            // The server may close before it has read what it was asked.
            return e.Message.Contains("max number of clients", StringComparison.Ordinal) || e.InnerException is IOException or SocketException;
        }
    }
}
