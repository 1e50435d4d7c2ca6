using ShardedCache.Contract.Cache;

namespace ShardedCache.Tests;

public sealed class LocalMemoryKeyGroupTests : KeyGroupContract
{
    private readonly LocalMemoryCache _cache = new(CacheSettings.From(new() { MaximumPayloadBytes = 1_000_000, InstanceName = "app:" }), TimeProvider.System);

    protected override IShardedCache Cache => _cache;

    protected override IShardedCache Other => _cache;

    protected override int MaximumPayloadBytes => 1_000_000;
}
