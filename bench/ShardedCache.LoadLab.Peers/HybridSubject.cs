using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.LoadLab.Throughput;

namespace ShardedCache.LoadLab.Peers;

/// <summary>HybridCache over Microsoft's provider with its local tier off: only there is it comparable.</summary>
internal sealed class HybridSubject(IServiceProvider services) : Subject
{
    private static readonly HybridCacheEntryOptions Options = new() { Expiration = Life, Flags = HybridCacheEntryFlags.DisableLocalCache };

    private readonly HybridCache _cache = services.GetRequiredService<HybridCache>();

    public override IReadOnlyList<string> Operations => ["get", "set", "remove", "mix"];

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public override Task StoreAsync(string key, byte[] value, bool isSliding) => SetAsync(key, value);

    public override async Task<byte[]?> GetAsync(string key) =>
        await _cache.GetOrCreateAsync(key, static _ => ValueTask.FromResult<byte[]?>(null), Options);

    public override Task SetAsync(string key, byte[] value) => _cache.SetAsync(key, value, Options).AsTask();

    public override Task RemoveAsync(string key) => _cache.RemoveAsync(key).AsTask();
}
