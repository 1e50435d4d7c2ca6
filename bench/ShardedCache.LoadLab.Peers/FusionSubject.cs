using Microsoft.Extensions.DependencyInjection;
using ShardedCache.LoadLab.Throughput;
using ZiggyCreatures.Caching.Fusion;

namespace ShardedCache.LoadLab.Peers;

/// <summary>FusionCache over Microsoft's provider with its memory tier skipped: only there is it comparable.</summary>
internal sealed class FusionSubject(IServiceProvider services) : Subject
{
    private static readonly FusionCacheEntryOptions Options = new FusionCacheEntryOptions { Duration = Life }
        .SetSkipMemoryCache();

    private readonly IFusionCache _cache = services.GetRequiredService<IFusionCache>();

    public override IReadOnlyList<string> Operations => ["get", "set", "remove", "mix", "miss"];

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public override Task StoreAsync(string key, byte[] value, bool isSliding) => SetAsync(key, value);

    public override async Task<byte[]?> GetAsync(string key) => (await _cache.TryGetAsync<byte[]>(key, Options)).GetValueOrDefault();

    public override Task SetAsync(string key, byte[] value) => _cache.SetAsync(key, value, Options).AsTask();

    public override Task RemoveAsync(string key) => _cache.RemoveAsync(key, Options).AsTask();
}
