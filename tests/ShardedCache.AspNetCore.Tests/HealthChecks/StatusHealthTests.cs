using Microsoft.Extensions.Diagnostics.HealthChecks;
using ShardedCache.AspNetCore.HealthChecks;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Shards;

namespace ShardedCache.AspNetCore.Tests.HealthChecks;

/// <summary>What is said of each status that a cache can have.</summary>
public class StatusHealthTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("Up Up", HealthStatus.Healthy)]
    [InlineData("Up Suspect", HealthStatus.Degraded)]
    [InlineData("Up FailingOver", HealthStatus.Degraded)]
    [InlineData("Up Recovering", HealthStatus.Degraded)]
    [InlineData("Up Connecting", HealthStatus.Degraded)]
    [InlineData("Suspect Recovering", HealthStatus.Degraded)]
    [InlineData("FailingOver Suspect", HealthStatus.Degraded)]
    [InlineData("Connecting Connecting", HealthStatus.Unhealthy)]
    [InlineData("FailingOver Connecting", HealthStatus.Unhealthy)]
    [InlineData("FailingOver FailingOver", HealthStatus.Unhealthy)]
    [InlineData("Up Misconfigured", HealthStatus.Unhealthy)]
    [InlineData("Misconfigured Misconfigured", HealthStatus.Unhealthy)]
    internal void Each_combination_of_states_has_its_health(string states, HealthStatus expected)
    {
        var shards = states.Split(' ').Select((state, index) => Shard(index, Enum.Parse<ShardState>(state))).ToArray();

        Assert.Equal(expected, Of(shards).Status);
    }

    [Fact]
    public void A_shard_that_is_not_up_is_named_with_its_fault_and_since_when()
    {
        var result = Of(Shard(0, ShardState.Up), Shard(1, ShardState.FailingOver) with { Fault = "10.0.0.1:6379 refuses connections" });

        Assert.Equal(
            "1 of 2 shards up. Not up (served by the local tier): shard-1 (since 2026-01-01T12:00:00Z, now FailingOver: 10.0.0.1:6379 refuses connections).",
            result.Description);
        var data = Data(result, "shard-1");
        Assert.Equal(
            ("FailingOver", "2026-01-01T12:00:00Z", "10.0.0.1:6379 refuses connections", "10.0.0.1:6379"),
            (data["state"], data["since"], data["fault"], data["master"]));
        Assert.DoesNotContain("fault", Data(result, "shard-0"));
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier, "served by the local tier")]
    [InlineData(FailoverMode.Bypass, "bypassed")]
    [InlineData(FailoverMode.Throw, "its operations throw")]
    public void It_says_what_callers_see_of_a_shard_that_is_not_up(FailoverMode mode, string expected)
    {
        var result = StatusHealth.Of(new(mode, [Shard(0, ShardState.Up), Shard(1, ShardState.Suspect)]), HealthStatus.Unhealthy);

        Assert.Contains(expected, result.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void Before_the_first_answer_it_says_that_nothing_has_been_reached_yet()
    {
        var result = Of(Shard(0, ShardState.Connecting) with { Master = null });

        Assert.Equal((HealthStatus.Unhealthy, true), (result.Status, result.Description!.Contains("not reached yet", StringComparison.Ordinal)));
    }

    [Fact]
    public void Without_an_online_replica_it_is_degraded_and_with_fixed_servers_there_is_none_to_miss()
    {
        var alone = Of(Up(0) with { ReplicasOnline = new(0, Noon) }, Up(1) with { ReplicasOnline = new(1, Noon) });

        Assert.Equal(HealthStatus.Degraded, alone.Status);
        Assert.Contains("No online replica", alone.Description, StringComparison.Ordinal);
        Assert.Contains("shard-0 (since 2026-01-01T12:00:00Z)", alone.Description, StringComparison.Ordinal);
        Assert.DoesNotContain("shard-1", alone.Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Healthy, Of(Up(0) with { ReplicasOnline = null }).Status);
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier, "the journal keeps them")]
    [InlineData(FailoverMode.Bypass, "they are dropped")]
    [InlineData(FailoverMode.Throw, "they throw")]
    public void A_master_that_takes_no_writes_is_degraded_and_it_says_what_becomes_of_them(FailoverMode mode, string expected)
    {
        var result = StatusHealth.Of(new(mode, [Up(0) with { IsWriteRefused = true }]), HealthStatus.Unhealthy);

        Assert.Equal(HealthStatus.Degraded, result.Status);
        Assert.Contains($"The master takes no writes: shard-0 ({expected})", result.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void Operations_that_are_refused_are_a_wrong_configuration_though_the_shard_is_up()
    {
        var result = Of(Up(0) with { Refusal = new(Noon, Noon, "NOPERM no permissions to run the 'set' command") }, Up(1));

        Assert.Equal(HealthStatus.Unhealthy, result.Status);
        Assert.Contains("shard-0 (since 2026-01-01T12:00:00Z: NOPERM no permissions to run the 'set' command)", result.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void The_failure_status_of_the_registration_stands_in_for_Unhealthy_alone()
    {
        CacheStatus down = new(FailoverMode.LocalTier, [Shard(0, ShardState.FailingOver)]), degraded = new(FailoverMode.LocalTier, [Up(0), Shard(1, ShardState.Suspect)]);

        Assert.Equal(HealthStatus.Degraded, StatusHealth.Of(down, HealthStatus.Degraded).Status);
        Assert.Equal(HealthStatus.Degraded, StatusHealth.Of(degraded, HealthStatus.Unhealthy).Status);
    }

    [Fact]
    public void The_local_memory_tier_alone_is_healthy_and_says_so()
    {
        var result = StatusHealth.Of(CacheStatus.OfLocalMemory, HealthStatus.Unhealthy);

        Assert.Equal((HealthStatus.Healthy, true), (result.Status, result.Description!.Contains("memory", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_large_farm_that_is_down_names_a_few_shards_and_counts_the_rest()
    {
        var result = Of([.. Enumerable.Range(0, 64).Select(index => Shard(index, ShardState.FailingOver))]);

        Assert.Contains("; and 56 more.", result.Description, StringComparison.Ordinal);
        Assert.Equal(64, result.Data.Count);
    }

    [Fact]
    public void What_is_known_of_replicas_and_journal_is_in_the_data()
    {
        var result = Of(Up(0) with
        {
            ReplicasOnline = new(2, Noon),
            ReplicaLag = TimeSpan.FromSeconds(1.5),
            JournalBytes = 4096,
            JournalCount = 12,
            Undelivered = 3,
        });

        var data = Data(result, "shard-0");
        Assert.Equal(
            (2, 1500L, 4096L, 12, 3),
            (data["replicasOnline"], data["replicaLagMilliseconds"], data["journalBytes"], data["journalCount"], data["undelivered"]));
    }

    private static HealthCheckResult Of(params ShardStatus[] shards) => StatusHealth.Of(new(FailoverMode.LocalTier, shards), HealthStatus.Unhealthy);

    private static ShardStatus Up(int index) => Shard(index, ShardState.Up);

    private static ShardStatus Shard(int index, ShardState state) => new($"shard-{index}", state, Noon, new ServerAddress("10.0.0.1", 6379));

    private static IReadOnlyDictionary<string, object> Data(HealthCheckResult result, string shard) =>
        Assert.IsType<Dictionary<string, object>>(result.Data[shard]);
}
