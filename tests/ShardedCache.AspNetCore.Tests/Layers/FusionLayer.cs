using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Testing;
using ZiggyCreatures.Caching.Fusion;
using ZiggyCreatures.Caching.Fusion.Backplane;
using ZiggyCreatures.Caching.Fusion.Serialization;

namespace ShardedCache.AspNetCore.Tests.Layers;

/// <summary>FusionCache.</summary>
internal sealed class FusionLayer(RedisFarm farm, IFusionCacheBackplane? backplane = null) : Layer(farm, services => Add(services, backplane))
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IFusionCache Fusion => Services.GetRequiredService<IFusionCache>();

    public override Task<string> GetOrCreateAsync(string key, string[] tags, Func<Task<string>> create) =>
        Fusion.GetOrSetAsync<string>(key, async (_, _) => await create(), tags: tags, token: Token).AsTask()!;

    public override Task SetAsync(string key, string value, params string[] tags) => Fusion.SetAsync(key, value, tags: tags, token: Token).AsTask();

    public override Task RemoveAsync(string key) => Fusion.RemoveAsync(key, token: Token).AsTask();

    public override Task RemoveByTagAsync(string tag) => Fusion.RemoveByTagAsync(tag, token: Token).AsTask();

    private static void Add(IServiceCollection services, IFusionCacheBackplane? backplane)
    {
        var fusion = services.AddFusionCache().WithRegisteredDistributedCache().WithSerializer(new JsonText());
        if (backplane is not null)
        {
            fusion.WithBackplane(backplane);
        }
    }

    private sealed class JsonText : IFusionCacheSerializer
    {
        public byte[] Serialize<T>(T? obj) => JsonSerializer.SerializeToUtf8Bytes(obj);

        public T? Deserialize<T>(byte[] data) => JsonSerializer.Deserialize<T>(data);

        public ValueTask<byte[]> SerializeAsync<T>(T? obj, CancellationToken token = default) => new(Serialize(obj));

        public ValueTask<T?> DeserializeAsync<T>(byte[] data, CancellationToken token = default) => new(Deserialize<T>(data));
    }
}
