using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.HealthChecks;

/// <summary>The health of a cache over real servers, before, during and after their failures.</summary>
public sealed class FarmHealthTests
{
    private static readonly DistributedCacheEntryOptions NoExpiration = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Over_a_failover_it_goes_from_healthy_to_degraded_and_back()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { ReplicasPerShard = 2 }, Token);
        await using var application = await HealthApplication.StartAsync(farm);
        await application.BecomesAsync(HealthStatus.Healthy, "2 of 2 shards up");
        var (shard, before) = (farm.Shards[1], DateTimeOffset.UtcNow.AddSeconds(-1));

        shard.InitialMaster.Kill();

        var degraded = await application.BecomesAsync(HealthStatus.Degraded, $"Not up (served by the local tier): {shard.Name} (since ");
        Assert.DoesNotContain(farm.Shards[0].Name, degraded.Description, StringComparison.Ordinal);
        var since = DateTimeOffset.Parse(Data(degraded, shard.Name)["since"].ToString()!, System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(since, before, DateTimeOffset.UtcNow);

        var master = await shard.WaitForNewMasterAsync(shard.InitialMaster, cancellationToken: Token);
        var healthy = await application.BecomesAsync(HealthStatus.Healthy);
        Assert.Equal(master.EndPoint.ToString(), Data(healthy, shard.Name)["master"]);
    }

    [Fact]
    public async Task Without_a_replica_it_is_degraded_until_one_is_online_again()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1 }, Token);
        await using var application = await HealthApplication.StartAsync(farm);
        await application.BecomesAsync(HealthStatus.Healthy);

        farm.Shards[0].Servers[1].Kill();
        await application.BecomesAsync(HealthStatus.Degraded, "No online replica");

        await farm.Shards[0].Servers[1].StartAsync(Token);
        await application.BecomesAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task When_every_server_is_dead_it_is_unhealthy_and_the_cache_serves_on()
    {
        await using var farm = await RedisFarm.StartAsync(cancellationToken: Token);
        await using var application = await HealthApplication.StartAsync(farm);
        await application.BecomesAsync(HealthStatus.Healthy);
        foreach (var server in farm.Shards.SelectMany(static shard => shard.Servers))
        {
            server.Kill();
        }

        var entry = await application.BecomesAsync(HealthStatus.Unhealthy, "0 of 2 shards up");
        Assert.All(farm.Shards, shard => Assert.Contains(shard.Name, entry.Description, StringComparison.Ordinal));
        await application.Cache.SetAsync("key", [1], NoExpiration, Token);
        Assert.Equal([1], await application.Cache.GetAsync("key", Token));
    }

    [Fact]
    public async Task With_everything_down_at_start_it_is_never_healthy_and_becomes_so_when_the_farm_comes_up()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { ReplicasPerShard = 0, Sentinels = 0 }, Token);
        foreach (var shard in farm.Shards)
        {
            shard.InitialMaster.Kill();
        }

        await using var application = await HealthApplication.StartAsync(farm);

        Assert.Equal(HealthStatus.Unhealthy, (await application.EntryAsync()).Status);
        await application.BecomesAsync(HealthStatus.Unhealthy, "now FailingOver");
        await farm.Shards[0].InitialMaster.StartAsync(Token);
        await application.BecomesAsync(HealthStatus.Degraded, "1 of 2 shards up");
        await farm.Shards[1].InitialMaster.StartAsync(Token);
        await application.BecomesAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_wrong_password_is_unhealthy_with_what_to_do_and_without_the_password()
    {
        await using var farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { ReplicasPerShard = 0, Sentinels = 0, User = "app", Password = "the-right-one" }, Token);
        await using var application = await HealthApplication.StartAsync(farm.ConnectionString.Replace("the-right-one", "a-wrong-secret", StringComparison.Ordinal));

        var entry = await application.BecomesAsync(HealthStatus.Unhealthy, "Wrong configuration");

        Assert.Matches("(WRONGPASS|NOAUTH).*Check user= and password=", entry.Description);
        Assert.DoesNotContain("a-wrong-secret", entry.Description + string.Concat(farm.Shards.Select(shard => string.Concat(Data(entry, Name(shard)).Values))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_shard_name_that_no_Sentinel_knows_is_unhealthy_and_told_with_those_that_they_know()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 1 }, Token);
        await using var application = await HealthApplication.StartAsync($"{farm.Sentinels[0].EndPoint},shards=mistyped");

        var entry = await application.BecomesAsync(HealthStatus.Unhealthy, "Wrong configuration: mistyped");

        Assert.Contains(farm.Shards[0].Name, entry.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_right_that_is_missing_for_operations_alone_is_unhealthy_though_the_shard_is_up()
    {
        await using var farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0, User = "app", Password = "secret" }, Token);
        await using var application = await HealthApplication.StartAsync(farm);
        await application.BecomesAsync(HealthStatus.Healthy);

        await using var other = await HealthApplication.StartAsync(farm.ConnectionString, static options => options.InstanceName = "theirs:");
        await other.BecomesAsync(HealthStatus.Healthy);
        await farm.Shards[0].InitialMaster.ExecuteAsync("ACL", "SETUSER", "app", "resetkeys", "~ours:*", "~__shardedcache:*");
        await Assert.ThrowsAsync<ShardUnavailableException>(() => other.Cache.SetAsync("key", [1], NoExpiration, Token));

        var entry = await other.EntryAsync();
        Assert.Equal(HealthStatus.Unhealthy, entry.Status);
        Assert.Contains("Operations refused", entry.Description, StringComparison.Ordinal);
        Assert.Contains("NOPERM", entry.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_master_that_takes_no_writes_is_degraded_until_it_does()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Token);
        var master = farm.Shards[0].InitialMaster;
        await using var application = await HealthApplication.StartAsync(farm);
        await application.BecomesAsync(HealthStatus.Healthy);
        await master.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "1");

        await application.Cache.SetAsync("key", [1], NoExpiration, Token);
        await application.BecomesAsync(HealthStatus.Degraded, "takes no writes");

        await master.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "0");
        await application.BecomesAsync(HealthStatus.Healthy);
    }

    private static string Name(RedisFarmShard shard) => shard.InitialMaster.EndPoint.ToString();

    private static IReadOnlyDictionary<string, object> Data(HealthReportEntry entry, string shard) =>
        Assert.IsType<Dictionary<string, object>>(entry.Data[shard]);
}
