using ShardedCache.Contract.Cache;

namespace ShardedCache.Tests;

public sealed class LocalMemoryCacheContractTests : ShardedCacheContract
{
    private readonly LocalMemoryCache _cache = new(CacheSettings.From(new() { MaximumPayloadBytes = 1_000_000 }), TimeProvider.System);

    protected override IShardedCache Cache => _cache;

    protected override IReadOnlyCollection<string> Shards => [LocalMemoryCache.Shard];

    protected override int MaximumPayloadBytes => 1_000_000;
}
