using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Cache;

/// <summary>What the one who gets paged finds when something is wrong from the beginning.</summary>
public sealed class StartUpTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_no_Sentinel_reachable_the_first_call_names_each_of_them_within_a_time_out()
    {
        var (first, second, third) = (UnusedPort(), UnusedPort(), UnusedPort());
        await using var host = new CacheHost($"127.0.0.1:{first},127.0.0.1:{second},127.0.0.1:{third},shards=shard-{{0..1}}");

        var exception = await Assert.ThrowsAsync<ShardUnavailableException>(() => host.Cache.GetAsync("key", Token));

        Assert.All([first, second, third], port => Assert.Contains($"127.0.0.1:{port}", exception.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_shard_name_that_no_Sentinel_knows_is_told_with_the_names_that_they_do_know()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 1 }, Token);
        var sentinel = farm.Sentinels[0];
        await using var host = new CacheHost($"{sentinel.Host}:{sentinel.Port},shards=mistyped");

        var exception = await Assert.ThrowsAsync<ShardUnavailableException>(() => host.Cache.GetAsync("key", Token));

        Assert.Contains("mistyped", exception.Message, StringComparison.Ordinal);
        Assert.Contains(farm.Shards[0].Name, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_a_loud_configuration_error_without_the_password()
    {
        await using var farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0, User = "app", Password = "the-right-one" }, Token);
        await using var host = new CacheHost(farm.ConnectionString.Replace("the-right-one", "a-wrong-secret", StringComparison.Ordinal));

        var exception = await Assert.ThrowsAsync<ShardUnavailableException>(() => host.Cache.GetAsync("key", Token));

        Assert.Matches("Misconfigured.*(WRONGPASS|NOAUTH)", exception.Message);
        Assert.Contains(host.Log.Lines, line => line is { EventId: 302, Level: LogLevel.Error });
        Assert.DoesNotContain("a-wrong-secret", exception.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(host.Log.Lines, line => line.Message.Contains("a-wrong-secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("user=app,password=a-secret")]
    [InlineData("password=a-secret")]
    public async Task Credentials_that_the_server_does_not_know_are_refused_also_where_its_default_user_needs_none(string credentials)
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Token);
        await using var host = new CacheHost($"{farm.ConnectionString},{credentials}");

        var exception = await Assert.ThrowsAsync<ShardUnavailableException>(() => host.Cache.GetAsync("key", Token));

        Assert.Matches("Misconfigured.*(WRONGPASS|AUTH).*password=", exception.Message);
        Assert.DoesNotContain("a-secret", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_sharding_rule_is_refused_before_a_key_is_read_or_written_and_both_rules_are_named()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 2, ReplicasPerShard = 0, Sentinels = 0 }, Token);
        var (first, second) = (farm.Shards[0].InitialMaster, farm.Shards[1].InitialMaster);
        await using var right = new CacheHost(farm.ConnectionString);
        await right.Cache.SetAsync("key", [1], new DistributedCacheEntryOptions(), Token);

        await using var wrong = new CacheHost($"{first.Host}:{first.Port}");
        var exception = await Assert.ThrowsAsync<ShardUnavailableException>(() => wrong.Cache.SetAsync("stray", [2], new DistributedCacheEntryOptions(), Token));

        Assert.Contains($":{first.Port}", exception.Message, StringComparison.Ordinal);
        Assert.Contains($":{second.Port}", exception.Message, StringComparison.Ordinal);
        Assert.Equal("0", await first.ExecuteAsync("EXISTS", "stray"));
        Assert.Contains(wrong.Log.Lines, line => line is { EventId: 302, Level: LogLevel.Error });
    }

    [Fact]
    public async Task A_server_that_comes_up_later_is_found_without_a_restart()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Token);
        farm.Shards[0].InitialMaster.Kill();
        await using var host = new CacheHost(farm.ConnectionString);
        await Assert.ThrowsAsync<ShardUnavailableException>(() => host.Cache.GetAsync("key", Token));

        await farm.Shards[0].InitialMaster.StartAsync(Token);

        Assert.Null(await Eventually.AnswersAsync(() => host.Cache.GetAsync("key", Token)));
    }

    private static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
