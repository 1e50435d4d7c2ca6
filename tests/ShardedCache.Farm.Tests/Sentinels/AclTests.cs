using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Connections;
using ShardedCache.Connections.StackExchangeRedis;
using ShardedCache.Contract;
using ShardedCache.Farm.Tests.Cache;
using ShardedCache.Sentinels;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Sentinels;

public sealed class AclTests : IAsyncLifetime
{
    private readonly StackExchangeConnector _connector = new(TimeProvider.System);
    private readonly RecordedLog _log = new();
    private RedisFarm _farm = null!;

    private RedisFarmShard Shard => _farm.Shards[0];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _farm = await RedisFarm.StartAsync(LeastPrivilege.Options(), Cancelled);

    public async ValueTask DisposeAsync()
    {
        await _farm.DisposeAsync();
        await _connector.DisposeAsync();
    }

    [Fact]
    public async Task The_documented_rules_suffice_also_through_a_failover_and_nothing_more_is_tried()
    {
        await using var host = new CacheHost(_farm.ConnectionString, static options => options.InstanceName = AclRules.InstanceName);
        var key = host.KeyOn(Shard.Name);
        await UseAsync(host.Cache, key);

        Shard.InitialMaster.Kill();
        var promoted = await Shard.WaitForNewMasterAsync(Shard.InitialMaster, cancellationToken: Cancelled);
        await UseAsync(host.Cache, key);
        await promoted.ExecuteAsync("SCRIPT", "FLUSH");
        await promoted.ExecuteAsync("CLIENT", "KILL", "USER", "app");
        await UseAsync(host.Cache, key);

        Assert.Empty(await LeastPrivilege.DeniedAsync(promoted));
        foreach (var sentinel in _farm.Sentinels)
        {
            Assert.Empty(await LeastPrivilege.DeniedAsync(sentinel));
        }

        Assert.DoesNotContain(host.Log.Lines, static line => line.Message.Contains("s3cr3t", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Where_SUBSCRIBE_is_forbidden_a_promotion_is_noticed_within_one_poll()
    {
        foreach (var sentinel in _farm.Sentinels)
        {
            await sentinel.ExecuteAsync(["ACL", "SETUSER", "watcher", "-@all", .. AclRules.SentinelWithoutSubscribe.Split(' ')]);
        }

        await using var masters = Ask("watcher", LeastPrivilege.SentinelPassword);
        await SentinelFarm.KnowsMasterAsync(masters, Shard, Shard.InitialMaster);
        var promoted = await Shard.FailOverAsync(Cancelled);

        // A second between two polls, and half of one for this machine.
        await SentinelFarm.KnowsMasterAsync(masters, Shard, promoted, TimeSpan.FromSeconds(1.5));
        Assert.Equal(3, _log.Lines.Count(static line => line.EventId == 215));
        foreach (var sentinel in _farm.Sentinels)
        {
            Assert.Equal(["subscribe"], await LeastPrivilege.DeniedAsync(sentinel));
        }
    }

    [Theory]
    [InlineData("watcher", "wrong-s3cr3t")]
    [InlineData("nobody", "wrong-s3cr3t")]
    [InlineData(null, null)]
    public async Task Refused_credentials_are_a_loud_configuration_error_without_the_secret(string? user, string? password)
    {
        await using var masters = Ask(user, password);
        await Eventually.HoldsAsync(() => masters.Current(Shard.Name).Fault?.Kind == MasterFaultKind.Refused, "the Sentinels refuse");

        Assert.Contains("sentinelPassword", masters.Current(Shard.Name).Fault!.Message, StringComparison.Ordinal);
        Assert.Equal(3, _log.Lines.Count(static line => line.EventId == 211));
        Assert.DoesNotContain(_log.Lines.Select(static line => line.Message).Append(masters.Current(Shard.Name).Fault!.Message), static text => text.Contains("s3cr3t", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_Sentinel_command_that_the_user_lacks_is_a_configuration_error_that_names_it()
    {
        foreach (var sentinel in _farm.Sentinels)
        {
            await sentinel.ExecuteAsync("ACL", "SETUSER", "watcher", "-sentinel|master");
        }

        await using var masters = Ask("watcher", LeastPrivilege.SentinelPassword);
        await Eventually.HoldsAsync(() => masters.Current(Shard.Name).Fault?.Kind == MasterFaultKind.Refused, "the Sentinels refuse");

        Assert.Contains("sentinel|master", masters.Current(Shard.Name).Fault!.Message, StringComparison.Ordinal);
    }

    private static async Task UseAsync(IShardedCache cache, string key)
    {
        var sliding = new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromSeconds(5) };
        var both = new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(1), SlidingExpiration = TimeSpan.FromSeconds(20.5) };
        Assert.Equal([1, 2, 3], await Eventually.AnswersAsync(async () =>
        {
            await cache.SetAsync(key, [1, 2, 3], sliding, Cancelled);
            await cache.RefreshAsync(key, Cancelled);
            return await cache.GetAsync(key, Cancelled);
        }));
        await cache.SetAsync(key, [4], both, Cancelled);
        await cache.RefreshAsync(key, Cancelled);
        Assert.Equal([4], await cache.GetAsync(key, Cancelled));
        await cache.RemoveAsync(key, Cancelled);
        Assert.Null(await cache.GetAsync(key, Cancelled));
    }

    private SentinelMasters Ask(string? user, string? password) => SentinelFarm.Ask(
        _connector,
        [.. _farm.Sentinels.Select(SentinelFarm.AddressOf)],
        [Shard.Name],
        _log,
        settings: new ConnectionSettings { Credentials = _ => ValueTask.FromResult(new Credentials(user, password)) });
}
