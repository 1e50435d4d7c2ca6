using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using ShardedCache.Contract;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.OutputCaching;

/// <summary>Over real Redis servers that real Sentinels manage, with an instance name and the users' least privileges.</summary>
public sealed class SentinelFarmStoreTests(SentinelFarmStoreTests.Fixture fixture) : FarmStoreContract(fixture), IClassFixture<SentinelFarmStoreTests.Fixture>
{
    [Fact]
    public async Task No_command_of_the_store_is_denied_by_the_rights_that_the_documentation_names()
    {
        await WriteAsync("page", "one", "first", "both");
        await WriteAsync("page", "two", "second", "both");
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => WriteAsync($"page {i}", "text", "both")));
        await Store.EvictByTagAsync(Tag("second"), Token);
        await Other.EvictByTagAsync(Tag("both"), Token);

        foreach (var server in Farm.Shards.SelectMany(static shard => shard.Servers))
        {
            Assert.DoesNotContain("object", await server.ExecuteAsync("ACL", "LOG"), StringComparison.Ordinal);
        }
    }

    public sealed class Fixture() : FarmStoreFixture(
        new RedisFarmOptions { User = "app", Password = "s3cr3t-of-the-servers", UserRules = AclRules.Server }, AclRules.InstanceName);
}

/// <summary>The same over our own wire.</summary>
public sealed class RespFarmStoreTests(RespFarmStoreTests.Fixture fixture) : FarmStoreContract(fixture), IClassFixture<RespFarmStoreTests.Fixture>
{
    public sealed class Fixture() : FarmStoreFixture(new RedisFarmOptions(), "app:", ShardTransport.Resp);
}

/// <summary>Over fixed servers.</summary>
public sealed class FixedServersStoreTests(FixedServersStoreTests.Fixture fixture) : FarmStoreContract(fixture), IClassFixture<FixedServersStoreTests.Fixture>
{
    public sealed class Fixture() : FarmStoreFixture(new RedisFarmOptions { Shards = 3, ReplicasPerShard = 0, Sentinels = 0 }, "");
}

/// <summary>Over this process's memory, where nothing is configured in Development.</summary>
public sealed class LocalMemoryStoreTests : OutputCacheStoreContract, IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection()
        .AddLogging()
        .AddSingleton<IHostEnvironment>(new Development())
        .AddOutputCache()
        .AddShardedRedisOutputCache()
        .Configure<ShardedRedisCacheOptions>(static options => options.MaximumPayloadBytes = FarmStoreFixture.MaximumPayloadBytes)
        .BuildServiceProvider();

    protected override IOutputCacheStore Store => _services.GetRequiredService<IOutputCacheStore>();

    protected override IOutputCacheStore Other => Store;

    protected override int MaximumPayloadBytes => FarmStoreFixture.MaximumPayloadBytes;

    public void Dispose() => _services.Dispose();

    private sealed class Development : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = Environments.Development;

        public string ApplicationName { get; set; } = "tests";

        public string ContentRootPath { get; set; } = ".";

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}

public abstract class FarmStoreContract(FarmStoreFixture fixture) : OutputCacheStoreContract
{
    protected RedisFarm Farm => fixture.Farm;

    protected override IOutputCacheStore Store => fixture.Store.Store;

    protected override IOutputCacheStore Other => fixture.Other.Store;

    protected override int MaximumPayloadBytes => FarmStoreFixture.MaximumPayloadBytes;
}

public abstract class FarmStoreFixture(RedisFarmOptions options, string instanceName, ShardTransport transport = default) : IAsyncLifetime
{
    public const int MaximumPayloadBytes = 1_000_000;

    public RedisFarm Farm { get; private set; } = null!;

    internal StoreHost Store { get; private set; } = null!;

    /// <summary>Another instance, as in another process.</summary>
    internal StoreHost Other { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Farm = await RedisFarm.StartAsync(options, TestContext.Current.CancellationToken);
        Store = await StoreHost.JoinAsync(Farm, Configure);
        Other = await StoreHost.JoinAsync(Farm, Configure);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var host in new[] { Store, Other })
        {
            if (host is not null)
            {
                await host.DisposeAsync();
            }
        }

        if (Farm is not null)
        {
            await Farm.DisposeAsync();
        }
    }

    private void Configure(ShardedRedisCacheOptions cache) =>
        (cache.InstanceName, cache.MaximumPayloadBytes, cache.Transport) = (instanceName, MaximumPayloadBytes, transport);
}
