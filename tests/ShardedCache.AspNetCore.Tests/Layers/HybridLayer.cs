using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Layers;

/// <summary>Microsoft's.</summary>
internal sealed class HybridLayer(RedisFarm farm) : Layer(farm, static services => services.AddHybridCache())
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private HybridCache Hybrid => Services.GetRequiredService<HybridCache>();

    public override Task<string> GetOrCreateAsync(string key, string[] tags, Func<Task<string>> create) =>
        Hybrid.GetOrCreateAsync(key, async _ => await create(), tags: tags, cancellationToken: Token).AsTask();

    public override Task SetAsync(string key, string value, params string[] tags) => Hybrid.SetAsync(key, value, tags: tags, cancellationToken: Token).AsTask();

    public override Task RemoveAsync(string key) => Hybrid.RemoveAsync(key, Token).AsTask();

    public override Task RemoveByTagAsync(string tag) => Hybrid.RemoveByTagAsync(tag, Token).AsTask();
}
