using System.Collections.Concurrent;
using System.Diagnostics;
using ShardedCache.Connections;
using ShardedCache.Connections.StackExchangeRedis;
using ShardedCache.Farm.Tests.Cache;
using ShardedCache.Sentinels;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Sentinels;

[Collection(nameof(SentinelFarm))]
public sealed class FailoverTests(SentinelFarm fixture) : IAsyncLifetime
{
    private readonly RecordedLog _log = new();

    private RedisFarm Farm => fixture.Farm;

    private RedisFarmShard Shard => fixture.Shard;

    public async ValueTask InitializeAsync() => await fixture.HealAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Every_shard_s_master_and_replicas_are_found_from_one_Sentinel_and_the_other_Sentinels_are_learned()
    {
        await using var masters = fixture.Ask(Farm.Sentinels.Take(1), _log);
        await KnowsMasterAsync(masters, await Shard.GetMasterAsync(Cancelled));

        foreach (var shard in Farm.Shards)
        {
            var master = await shard.GetMasterAsync(Cancelled);
            await Eventually.HoldsAsync(() => masters.Current(shard.Name).Replicas.Count == 1, "the replica is known");
            var snapshot = masters.Current(shard.Name);
            Assert.Equal(SentinelFarm.AddressOf(master), snapshot.Master);
            Assert.Equal(SentinelFarm.AddressOf(shard.Servers.Single(server => server != master)), snapshot.Replicas.Single());
            Assert.Equal(TimeSpan.FromSeconds(1), snapshot.DownAfter);
        }

        await Eventually.HoldsAsync(() => Events(213).Count() == 2, "two Sentinels are learned");
    }

    [Fact]
    public async Task A_promotion_is_noticed_within_tens_of_milliseconds_of_the_switch_message()
    {
        await using var connector = new StackExchangeConnector(TimeProvider.System);
        var switches = new ConcurrentQueue<long>();
        await using var first = await ListenAsync(connector, Farm.Sentinels[0], switches);
        await using var second = await ListenAsync(connector, Farm.Sentinels[1], switches);
        await using var masters = fixture.Ask(log: _log);
        var old = await Shard.GetMasterAsync(Cancelled);
        await KnowsMasterAsync(masters, old);

        var noticed = NoticeAsync(masters, SentinelFarm.AddressOf(Shard.Servers.Single(server => server != old)));
        await Shard.FailOverAsync(Cancelled);
        var noticedAt = await noticed;
        await Eventually.HoldsAsync(() => !switches.IsEmpty, "the switch is published");

        switches.TryPeek(out var switchedAt);
        var late = Stopwatch.GetElapsedTime(switchedAt, noticedAt);
        TestContext.Current.TestOutputHelper?.WriteLine($"noticed {late.TotalMilliseconds:0} ms after the first switch message");
        Assert.True(late < TimeSpan.FromMilliseconds(250), $"{late.TotalMilliseconds} ms");
    }

    [Fact]
    public async Task A_killed_master_s_shard_gets_its_replica_as_master_and_the_other_shard_stays_as_it_is()
    {
        await using var masters = fixture.Ask(log: _log);
        var old = await Shard.GetMasterAsync(Cancelled);
        await KnowsMasterAsync(masters, old);
        var epoch = masters.Current(Shard.Name).ConfigEpoch;
        var otherMaster = masters.Current(Farm.Shards[1].Name).Master;

        old.Kill();

        await KnowsMasterAsync(masters, Shard.Servers.Single(server => server != old));
        Assert.True(masters.Current(Shard.Name).ConfigEpoch > epoch);
        Assert.Equal(otherMaster, masters.Current(Farm.Shards[1].Name).Master);
    }

    [Fact]
    public async Task A_paused_master_that_returns_and_still_calls_itself_master_changes_nothing()
    {
        await using var masters = fixture.Ask(log: _log);
        var old = await Shard.GetMasterAsync(Cancelled);
        await KnowsMasterAsync(masters, old);

        old.Pause();
        var promoted = await Shard.WaitForNewMasterAsync(old, cancellationToken: Cancelled);
        await KnowsMasterAsync(masters, promoted);
        old.Resume();
        Assert.StartsWith("master", await old.ExecuteAsync("ROLE"), StringComparison.Ordinal);
        masters.ReportRole(Shard.Name, SentinelFarm.AddressOf(old), ServerRole.Master);
        masters.RequestRefresh(Shard.Name);
        await Eventually.HoldsAsync(async () => (await old.ExecuteAsync("ROLE")).StartsWith("slave", StringComparison.Ordinal), "the old master is demoted", TimeSpan.FromSeconds(30));

        Assert.Equal(SentinelFarm.AddressOf(promoted), masters.Current(Shard.Name).Master);
        Assert.Contains(
            SentinelFarm.AddressOf(promoted).ToString(),
            Events(200).Last(line => line.Message.StartsWith($"Shard {Shard.Name}:", StringComparison.Ordinal)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_master_that_restarts_at_the_same_address_before_it_counts_as_down_is_the_same_master()
    {
        await using var masters = fixture.Ask(log: _log);
        var master = await Shard.GetMasterAsync(Cancelled);
        await KnowsMasterAsync(masters, master);
        var before = masters.Current(Shard.Name);
        foreach (var sentinel in Farm.Sentinels)
        {
            await sentinel.ExecuteAsync("SENTINEL", "SET", Shard.Name, "down-after-milliseconds", "5000");
        }

        master.Kill();
        masters.RequestRefresh(Shard.Name);
        await master.StartAsync(Cancelled);
        masters.ReportRole(Shard.Name, SentinelFarm.AddressOf(master), ServerRole.Master);
        await Eventually.HoldsAsync(() => masters.Current(Shard.Name).DownAfter == TimeSpan.FromSeconds(5), "the Sentinels have been asked again");

        Assert.Equal(before.Master, masters.Current(Shard.Name).Master);
        Assert.Equal(before.ConfigEpoch, masters.Current(Shard.Name).ConfigEpoch);
        foreach (var sentinel in Farm.Sentinels)
        {
            await sentinel.ExecuteAsync("SENTINEL", "SET", Shard.Name, "down-after-milliseconds", "1000");
        }
    }

    [Fact]
    public async Task Epochs_that_an_operator_resets_are_followed_when_the_majority_has_agreed_long_enough()
    {
        await using var masters = fixture.Ask(log: _log, timings: new SentinelTimings { Reversal = TimeSpan.FromSeconds(2) });
        await Shard.FailOverAsync(Cancelled);
        await Eventually.HoldsAsync(() => masters.Current(Shard.Name).ConfigEpoch > 0, "an epoch above 0");
        await Shard.WaitForReplicasAsync(cancellationToken: Cancelled);
        var master = await Shard.GetMasterAsync(Cancelled);
        await KnowsMasterAsync(masters, master);
        var epoch = masters.Current(Shard.Name).ConfigEpoch;

        await Shard.MonitorAsync(master, Cancelled);
        masters.RequestRefresh(Shard.Name);
        Assert.Equal(epoch, masters.Current(Shard.Name).ConfigEpoch);

        await Eventually.HoldsAsync(() => masters.Current(Shard.Name).ConfigEpoch == 0, "epoch 0");
        Assert.Equal(SentinelFarm.AddressOf(master), masters.Current(Shard.Name).Master);
        await Eventually.HoldsAsync(() => Events(201).Count() == 1, "what was published is logged, once");

        // And a failover after that is followed as any other.
        await Farm.WaitForSentinelsAsync(cancellationToken: Cancelled);
        await KnowsMasterAsync(masters, await Shard.FailOverAsync(Cancelled));
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private IEnumerable<LogLine> Events(int id) => _log.Lines.Where(line => line.EventId == id);

    private Task KnowsMasterAsync(SentinelMasters masters, RedisProcess master) => SentinelFarm.KnowsMasterAsync(masters, Shard, master);

    private async Task<long> NoticeAsync(SentinelMasters masters, ServerAddress expected)
    {
        for (var snapshot = masters.Current(Shard.Name); ; snapshot = await masters.WaitForChangeAsync(Shard.Name, snapshot.Version, Cancelled))
        {
            if (snapshot.Master == expected)
            {
                return Stopwatch.GetTimestamp();
            }
        }
    }

    private async Task<IServerConnection> ListenAsync(StackExchangeConnector connector, RedisProcess sentinel, ConcurrentQueue<long> switches)
    {
        var opened = await connector.OpenAsync(SentinelFarm.AddressOf(sentinel), new ConnectionSettings { Kind = ServerKind.Sentinel }, Cancelled);
        Assert.True(opened.IsOpen, opened.Fault?.Message);
        var reply = await opened.Connection.SubscribeAsync("+switch-master", (_, _) => switches.Enqueue(Stopwatch.GetTimestamp()), Cancelled);
        Assert.Equal(ReplyKind.Ok, reply.Kind);
        return opened.Connection;
    }
}
