using ShardedCache.Connections;
using ShardedCache.Farm.Tests.Cache;
using ShardedCache.Sentinels;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Sentinels;

[Collection(nameof(SentinelFarm))]
public sealed class SentinelOutageTests(SentinelFarm fixture) : IAsyncLifetime
{
    private readonly RecordedLog _log = new();

    private RedisFarm Farm => fixture.Farm;

    private RedisFarmShard Shard => fixture.Shard;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await fixture.HealAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Sentinels_that_are_all_down_at_start_are_named_with_their_fault_and_found_when_they_come_up()
    {
        var master = await Shard.GetMasterAsync(Cancelled);
        foreach (var sentinel in Farm.Sentinels)
        {
            sentinel.Kill();
        }

        await using var masters = fixture.Ask(log: _log);
        await Eventually.HoldsAsync(() => masters.Current(Shard.Name).Fault?.Kind == MasterFaultKind.AllUnreachable, "all are unreachable");
        Assert.All(Farm.Sentinels, sentinel => Assert.Contains($"{SentinelFarm.AddressOf(sentinel)} (Unreachable", masters.Current(Shard.Name).Fault!.Message, StringComparison.Ordinal));
        Assert.Null(masters.Current(Shard.Name).Master);

        await Farm.Sentinels[2].StartAsync(Cancelled);
        await SentinelFarm.KnowsMasterAsync(masters, Shard, master);
    }

    [Fact]
    public async Task A_Sentinel_whose_process_is_stopped_delays_no_answer()
    {
        var master = await Shard.GetMasterAsync(Cancelled);
        Farm.Sentinels[0].Pause();

        await using var masters = fixture.Ask(log: _log, settings: new ConnectionSettings { ConnectTimeout = TimeSpan.FromMinutes(1) });

        await SentinelFarm.KnowsMasterAsync(masters, Shard, master, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_Sentinel_that_missed_the_failover_is_not_believed_when_it_is_the_only_one_left()
    {
        var old = await Shard.GetMasterAsync(Cancelled);
        await using var masters = fixture.Ask(log: _log);
        await SentinelFarm.KnowsMasterAsync(masters, Shard, old);
        var (first, second, cutOff) = (Farm.Sentinels[0], Farm.Sentinels[1], Farm.Sentinels[2]);

        cutOff.Kill();
        var promoted = await Shard.FailOverAsync(Cancelled);
        await SentinelFarm.KnowsMasterAsync(masters, Shard, promoted);
        first.Kill();
        second.Kill();
        await Eventually.HoldsAsync(() => masters.Current(Shard.Name).Fault is not null, "no Sentinel is left");
        await cutOff.StartAsync(Cancelled);
        await Eventually.HoldsAsync(() => masters.Current(Shard.Name).Fault is null, "the one that was cut off answers");

        Assert.Contains($"{old.Port}", await cutOff.ExecuteAsync("SENTINEL", "GET-MASTER-ADDR-BY-NAME", Shard.Name), StringComparison.Ordinal);
        Assert.Equal(SentinelFarm.AddressOf(promoted), masters.Current(Shard.Name).Master);
    }

    [Fact]
    public async Task Without_a_majority_a_dead_master_is_an_outage_until_the_majority_is_back()
    {
        var old = await Shard.GetMasterAsync(Cancelled);
        await using var masters = fixture.Ask(log: _log);
        await SentinelFarm.KnowsMasterAsync(masters, Shard, old);

        Farm.Sentinels[0].Kill();
        Farm.Sentinels[1].Kill();
        old.Kill();
        await Eventually.HoldsAsync(() => masters.Current(Shard.Name).IsSubjectivelyDown, "the outage is seen");
        Assert.Equal(SentinelFarm.AddressOf(old), masters.Current(Shard.Name).Master);
        Assert.False(masters.Current(Farm.Shards[1].Name).IsSubjectivelyDown);

        await Farm.Sentinels[0].StartAsync(Cancelled);
        await Farm.Sentinels[1].StartAsync(Cancelled);
        await SentinelFarm.KnowsMasterAsync(masters, Shard, Shard.Servers.Single(server => server != old), TimeSpan.FromSeconds(60));
        Assert.False(masters.Current(Shard.Name).IsSubjectivelyDown);
    }

    [Fact]
    public async Task A_Sentinel_that_dies_and_returns_elsewhere_is_found_there_and_forgotten_here()
    {
        var moving = Farm.Sentinels[2];
        await using var masters = fixture.Ask(Farm.Sentinels.Take(2), _log, new SentinelTimings { Topology = TimeSpan.FromMilliseconds(200), Poll = TimeSpan.FromMilliseconds(200) });
        await Eventually.HoldsAsync(() => Events(213).Any(line => Names(line, moving)), "the third Sentinel is learned");

        var moved = await Farm.MoveSentinelAsync(moving, Cancelled);

        await Eventually.HoldsAsync(() => Events(213).Any(line => Names(line, moved)), "its new address is learned");
        await Eventually.HoldsAsync(() => Events(214).Any(line => Names(line, moving)), "its old address is forgotten");
    }

    [Fact]
    public async Task A_Sentinel_in_TILT_still_names_the_master_and_is_reported()
    {
        var master = await Shard.GetMasterAsync(Cancelled);
        var stopped = Farm.Sentinels[0];
        await stopped.ExecuteAsync("SENTINEL", "DEBUG", "tilt-trigger", "200", "tilt-period", "5000");
        await using var masters = fixture.Ask([stopped], _log, new SentinelTimings { Poll = TimeSpan.FromMilliseconds(100) });
        await SentinelFarm.KnowsMasterAsync(masters, Shard, master);

        stopped.Pause();
        await Eventually.HoldsAsync(() => Events(210).Any(line => Names(line, stopped)), "it does not answer");
        stopped.Resume();
        await Eventually.HoldsAsync(() => Events(216).Any(line => Names(line, stopped)), "it is in TILT");

        Assert.False(masters.Current(Shard.Name).IsSubjectivelyDown);
        Assert.Equal(SentinelFarm.AddressOf(master), masters.Current(Shard.Name).Master);
        await stopped.ExecuteAsync("SENTINEL", "DEBUG", "tilt-trigger", "2000", "tilt-period", "1000");
    }

    [Fact]
    public async Task A_name_that_the_Sentinels_do_not_know_is_an_error_that_lists_those_they_do()
    {
        await using var masters = fixture.Ask(null, _log, null, null, "shard-0", "cart");
        await Eventually.HoldsAsync(() => masters.Current("cart").Fault?.Kind == MasterFaultKind.NameUnknown, "the name is unknown");

        Assert.Contains("'cart'. They monitor shard-0, shard-1.", masters.Current("cart").Fault!.Message, StringComparison.Ordinal);
        Assert.Null(masters.Current("shard-0").Fault);
    }

    [Fact]
    public async Task A_server_that_is_no_Sentinel_is_told_apart()
    {
        await using var masters = fixture.Ask(Shard.Servers.Take(1), _log);

        await Eventually.HoldsAsync(
            () => masters.Current(Shard.Name).Fault?.Message.Contains("does not answer as a Sentinel", StringComparison.Ordinal) == true, "the server is no Sentinel");
    }

    private static bool Names(LogLine line, RedisProcess sentinel) => line.Message.Contains($"{SentinelFarm.AddressOf(sentinel)} ", StringComparison.Ordinal);

    private IEnumerable<LogLine> Events(int id) => _log.Lines.Where(line => line.EventId == id);
}
