using ShardedCache.Connections;
using ShardedCache.Connections.StackExchangeRedis;
using ShardedCache.Farm.Tests.Cache;
using ShardedCache.Sentinels;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Sentinels;

/// <summary>One farm for all tests that break and heal it, one after the other.</summary>
[CollectionDefinition(nameof(SentinelFarm))]
public sealed class SentinelFarmCollection : ICollectionFixture<SentinelFarm>;

public sealed class SentinelFarm : IAsyncLifetime
{
    private readonly StackExchangeConnector _connector = new(TimeProvider.System);

    public RedisFarm Farm { get; private set; } = null!;

    public RedisFarmShard Shard => Farm.Shards[0];

    public async ValueTask InitializeAsync() => Farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 2 });

    public async ValueTask DisposeAsync()
    {
        await Farm.DisposeAsync();
        await _connector.DisposeAsync();
    }

    /// <summary>Everything runs, every server but the masters is a replica, and the Sentinels agree.</summary>
    internal async Task HealAsync()
    {
        foreach (var sentinel in Farm.Sentinels.Where(static sentinel => sentinel.IsRunning))
        {
            sentinel.Resume();
        }

        foreach (var process in Farm.Shards.SelectMany(static shard => shard.Servers).Concat(Farm.Sentinels).Where(static process => !process.IsRunning))
        {
            await process.StartAsync();
        }

        foreach (var sentinel in Farm.Sentinels)
        {
            // They look every 10 s what became of a replica, publish what they know every 2 s, and stay in TILT for 30 s.
            await sentinel.ExecuteAsync("SENTINEL", "DEBUG", "info-period", "200", "publish-period", "200", "tilt-period", "1000");
        }

        foreach (var shard in Farm.Shards)
        {
            // A Sentinel takes 10 s to demote an old master that returns.
            var master = await shard.GetMasterAsync();
            foreach (var server in shard.Servers.Where(server => server != master))
            {
                await server.ExecuteAsync("REPLICAOF", master.Host, $"{master.Port}");
            }
        }

        await Farm.WaitForSentinelsAsync();
    }

    internal SentinelMasters Ask(
        IEnumerable<RedisProcess>? sentinels = null,
        RecordedLog? log = null,
        SentinelTimings? timings = null,
        ConnectionSettings? settings = null,
        params string[] shards) => Ask(
            _connector,
            [.. (sentinels ?? Farm.Sentinels).Select(AddressOf)],
            shards.Length > 0 ? shards : [.. Farm.Shards.Select(static shard => shard.Name)],
            log,
            timings,
            settings);

    internal static SentinelMasters Ask(
        IServerConnector connector,
        IReadOnlyList<ServerAddress> sentinels,
        IReadOnlyList<string> shards,
        RecordedLog? log = null,
        SentinelTimings? timings = null,
        ConnectionSettings? settings = null)
    {
        var masters = new SentinelMasters(connector, sentinels, settings ?? new ConnectionSettings(), shards, TimeProvider.System, log ?? new RecordedLog(), timings);
        masters.Start();
        return masters;
    }

    internal static Task KnowsMasterAsync(SentinelMasters masters, RedisFarmShard shard, RedisProcess master, TimeSpan? deadline = null) =>
        Eventually.HoldsAsync(
            () => masters.Current(shard.Name) is { Fault: null } snapshot && snapshot.Master == AddressOf(master),
            $"{master} is known as the master of {shard.Name}",
            deadline);

    internal static ServerAddress AddressOf(RedisProcess process) => new(process.Host, process.Port);
}
