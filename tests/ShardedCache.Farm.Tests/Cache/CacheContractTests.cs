using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Contract;
using ShardedCache.Contract.Cache;
using ShardedCache.Farm.Tests.Sentinels;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Cache;

/// <summary>The contract of every cache, over real Redis servers that real Sentinels manage, with the users' least privileges.</summary>
public sealed class SentinelFarmContractTests(SentinelFarmContractTests.Fixture fixture)
    : FarmContractTests(fixture), IClassFixture<SentinelFarmContractTests.Fixture>
{
    public sealed class Fixture() : FarmContractFixture(LeastPrivilege.Options(AclRules.ServerWithoutInstanceName));
}

/// <summary>The contract of every cache, over fixed servers.</summary>
public sealed class FixedEndPointsContractTests(FixedEndPointsContractTests.Fixture fixture)
    : FarmContractTests(fixture), IClassFixture<FixedEndPointsContractTests.Fixture>
{
    public sealed class Fixture() : FarmContractFixture(new RedisFarmOptions { Shards = 3, ReplicasPerShard = 0, Sentinels = 0 });
}

public abstract class FarmContractTests(FarmContractFixture fixture) : ShardedCacheContract
{
    protected override IShardedCache Cache => fixture.Cache;

    protected override IReadOnlyCollection<string> Shards => fixture.Shards;

    protected override int MaximumPayloadBytes => FarmContractFixture.MaximumPayloadBytes;
}

public abstract class FarmContractFixture : IAsyncLifetime
{
    public const int MaximumPayloadBytes = 1_000_000;

    private readonly RedisFarmOptions _options;
    private readonly Lazy<ServiceProvider> _others;
    private RedisFarm? _farm;
    private ServiceProvider? _services;

    protected FarmContractFixture(RedisFarmOptions options) => (_options, _others) = (options, new(Build));

    public IShardedCache Cache { get; private set; } = null!;

    /// <summary>Another instance, as in another process.</summary>
    public IShardedCache Other => _others.Value.GetRequiredService<IShardedCache>();

    public RedisFarm Farm => _farm!;

    public IReadOnlyCollection<string> Shards { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        var cancellation = TestContext.Current.CancellationToken;
        _farm = await RedisFarm.StartAsync(_options, cancellation);
        _services = Build();
        Cache = _services.GetRequiredService<IShardedCache>();
        Shards = [.. ConnectionString.Parse(_farm.ConnectionString).Shards.Select(shard => shard.Name)];
        var key = 0;
        await Eventually.AnswersAsync(() => Cache.GetManyAsync([.. Enumerable.Range(0, 100).Select(_ => $"key-{key++}")], cancellation));
    }

    public async ValueTask DisposeAsync()
    {
        if (_others.IsValueCreated)
        {
            await _others.Value.DisposeAsync();
        }

        if (_services is not null)
        {
            await _services.DisposeAsync();
        }

        if (_farm is not null)
        {
            await _farm.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    protected virtual void Configure(ShardedRedisCacheOptions options, RedisFarm farm)
    {
    }

    private ServiceProvider Build() => new ServiceCollection()
        .AddShardedRedisCache(cache =>
        {
            cache.Configuration = Farm.ConnectionString;
            cache.MaximumPayloadBytes = MaximumPayloadBytes;
            Configure(cache, Farm);
        })
        .BuildServiceProvider();
}
