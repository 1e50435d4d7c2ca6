using ShardedCache.LoadLab.Failover;
using ShardedCache.LoadLab.History;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>
/// What nobody has thought of: faults meet each other as the seed will have it. One server of each shard and one client at least go on, so
/// nothing may be lost. How long anything takes is not judged: the clients themselves are stopped now and then.
/// </summary>
internal sealed class Storm() : Scenario("storm", "faults meet by chance on every shard, the Sentinels, the network and the clients, for 30 s")
{
    private const int Times = 3;

    private readonly Lock _lock = new();

    public override bool NeedsNetwork => true;

    public override bool IsLong => true;

    public override Promises Promises { get; } = new() { GapCounts = false };

    /// <summary>A Sentinel begins no second failover of a shard within twice this time.</summary>
    public override void Configure(RedisFarmOptions options) => options.FailoverTimeout = TimeSpan.FromSeconds(1.5);

    public override async Task BreakAsync(ScenarioRun run)
    {
        await run.QuickenSentinelsAsync();
        run.BreakingEverything();
        var until = Ticks.Now + Ticks.Of(TimeSpan.FromSeconds(Times * run.Settings.Seconds));
        var seed = run.Settings.Seed * 100;
        await Task.WhenAll(
        [
            RepeatAsync(run, until, new Random(seed), chance => BreakSentinelAsync(run, chance)),
            RepeatAsync(run, until, new Random(seed + 1), chance => BreakNetworkAsync(run, chance)),
            RepeatAsync(run, until, new Random(seed + 2), chance => StopClientAsync(run, chance)),
            .. run.Farm.Shards.Select((shard, i) => RepeatAsync(run, until, new Random(seed + 3 + i), chance => BreakShardAsync(run, shard, chance))),
        ]);
        foreach (var shard in run.Farm.Shards)
        {
            await shard.WaitForReplicasAsync(cancellationToken: run.Cancellation);
        }
    }

    private static async Task RepeatAsync(ScenarioRun run, long until, Random chance, Func<Random, Task> fault)
    {
        while (Ticks.Now < until)
        {
            await run.Pass(chance.NextDouble() * 3);
            await fault(chance);
        }
    }

    private async Task BreakShardAsync(ScenarioRun run, RedisFarmShard shard, Random chance)
    {
        // What is killed then has its copies.
        await shard.WaitForReplicasAsync(cancellationToken: run.Cancellation);
        var master = await shard.GetMasterAsync(run.Cancellation);
        var replica = shard.Servers.First(server => server != master);
        var (choice, seconds) = (chance.Next(10), chance.NextDouble());
        Say(run, $"{shard.Name}: {choice}");
        switch (choice)
        {
            case 0 or 1:
                master.Kill();
                await run.Pass(seconds);
                await ReturnAsync(run, shard, master);
                break;
            case 2:
                master.Pause();
                await shard.WaitForNewMasterAsync(master, cancellationToken: run.Cancellation);
                await run.Pass(3 * seconds);
                master.Resume();
                break;
            case 3:
                master.Pause();
                await run.Pass(seconds);
                master.Resume();
                break;
            case 4:
                await shard.FailOverAsync(run.Cancellation);
                break;
            case 5:
                replica.Pause();
                await master.ExecuteAsync("CLIENT", "KILL", "TYPE", "replica");
                await run.Pass(2 * seconds);
                master.Kill();
                replica.Resume();
                await ReturnAsync(run, shard, master);
                break;
            case 6:
                replica.Kill();
                await run.Pass(2 * seconds);
                await replica.StartAsync(run.Cancellation);
                break;
            case 7:
                await master.ExecuteAsync("CLIENT", "KILL", "TYPE", "normal");
                break;
            case 8:
                await master.ExecuteAsync("REPLICAOF", master.Host, "1");
                await shard.WaitForNewMasterAsync(master, cancellationToken: run.Cancellation);
                break;
            default:
                await master.ExecuteAsync("CLIENT", "PAUSE", $"{(int)(900 * seconds)}", "ALL");
                break;
        }
    }

    /// <summary>Sentinels that are killed, too, promote one that returned empty as readily as any other: so it is no master for long.</summary>
    private static async Task ReturnAsync(ScenarioRun run, RedisFarmShard shard, RedisProcess old)
    {
        var master = await shard.WaitForNewMasterAsync(old, cancellationToken: run.Cancellation);
        await old.StartAsync(run.Cancellation);
        await old.ExecuteAsync("REPLICAOF", master.Host, $"{master.Port}");
    }

    private async Task BreakSentinelAsync(ScenarioRun run, Random chance)
    {
        var sentinel = run.Farm.Sentinels[chance.Next(run.Farm.Sentinels.Count)];
        Say(run, "Sentinel");
        sentinel.Kill();
        await run.Pass(3 * chance.NextDouble());
        await sentinel.StartAsync(run.Cancellation);
        await run.QuickenSentinelsAsync();
    }

    private async Task BreakNetworkAsync(ScenarioRun run, Random chance)
    {
        var (isAll, seconds) = (chance.Next(2) == 0, 3 * chance.NextDouble());
        Say(run, isAll ? "network" : "port");
        if (isAll)
        {
            run.Network.CutWorker();
        }
        else
        {
            run.Network.CutPort(run.Farm.Shards[chance.Next(run.Farm.Shards.Count)].Servers[chance.Next(2)].Port);
        }

        await run.Pass(seconds);
        run.Network.MendWorker();
    }

    private async Task StopClientAsync(ScenarioRun run, Random chance)
    {
        var client = run.Workers[chance.Next(run.Workers.Count)];
        Say(run, "client");
        client.Pause();
        await run.Pass(2 * chance.NextDouble());
        client.Resume();
    }

    private void Say(ScenarioRun run, string fault)
    {
        lock (_lock)
        {
            run.Breaking();
            run.Notes.Add($"{Ticks.Milliseconds(Ticks.Now - run.Moments[0]):0} ms: {fault}");
        }
    }
}
