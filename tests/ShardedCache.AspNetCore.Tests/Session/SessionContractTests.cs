using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Contract;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Session;

/// <summary>Over real servers that Sentinels manage, with an instance name and no more rights than the documentation asks for.</summary>
public sealed class SentinelFarmSessionTests(SentinelFarmSessionTests.Fixture fixture) : FarmSessionTests(fixture), IClassFixture<SentinelFarmSessionTests.Fixture>
{
    public sealed class Fixture() : SessionFixture(LeastPrivilege());
}

/// <summary>The same over our own wire.</summary>
public sealed class RespFarmSessionTests(RespFarmSessionTests.Fixture fixture) : FarmSessionTests(fixture), IClassFixture<RespFarmSessionTests.Fixture>
{
    public sealed class Fixture() : SessionFixture(LeastPrivilege(), ShardTransport.Resp);
}

/// <summary>Over fixed servers.</summary>
public sealed class FixedServersSessionTests(FixedServersSessionTests.Fixture fixture) : FarmSessionTests(fixture), IClassFixture<FixedServersSessionTests.Fixture>
{
    public sealed class Fixture() : SessionFixture(new RedisFarmOptions { Shards = 3, ReplicasPerShard = 0, Sentinels = 0 });
}

/// <summary>Over the memory of one process, where nothing is configured.</summary>
public sealed class LocalMemorySessionTests(LocalMemorySessionTests.Fixture fixture) : FarmSessionTests(fixture), IClassFixture<LocalMemorySessionTests.Fixture>
{
    public sealed class Fixture() : SessionFixture(null);
}

public abstract class FarmSessionTests(SessionFixture fixture) : SessionContract
{
    private protected override SessionSite Here => fixture.Here;

    private protected override SessionSite There => fixture.There;
}

public abstract class SessionFixture(RedisFarmOptions? options, ShardTransport transport = default) : IAsyncLifetime
{
    private readonly DirectoryInfo _keys = Directory.CreateTempSubdirectory("session-keys-");
    private RedisFarm? _farm;

    internal SessionSite Here { get; private set; } = null!;

    internal SessionSite There { get; private set; } = null!;

    public static RedisFarmOptions LeastPrivilege() => new()
    {
        User = "app",
        Password = "s3cr3t-of-the-servers",
        UserRules = AclRules.Server,
        SentinelUser = "watcher",
        SentinelPassword = "s3cr3t-of-the-Sentinels",
        SentinelUserRules = AclRules.Sentinel,
    };

    public async ValueTask InitializeAsync()
    {
        _farm = options is null ? null : await RedisFarm.StartAsync(options, TestContext.Current.CancellationToken);
        Here = await StartAsync();
        There = _farm is null ? Here : await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Here.DisposeAsync();
        await There.DisposeAsync();
        if (_farm is not null)
        {
            await _farm.DisposeAsync();
        }

        _keys.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    private Task<SessionSite> StartAsync() => SessionSite.StartAsync(_keys.FullName, services => services
        .AddShardedRedisCache(cache =>
        {
            cache.Configuration = _farm?.ConnectionString;
            cache.Transport = transport;
            cache.InstanceName = _farm is null ? null : AclRules.InstanceName;
        })
        .AddShardedRedisSession());
}
