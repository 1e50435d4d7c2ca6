using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Layers;

/// <summary>A farm that nothing happens to.</summary>
public sealed class LayerFarm : IAsyncLifetime
{
    public RedisFarm Farm { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Farm = await RedisFarm.StartAsync(cancellationToken: TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => Farm.DisposeAsync();
}
