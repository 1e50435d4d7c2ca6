using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Layers;

/// <summary>One instance of an application, with a layer over its sharded cache: a first level in memory, tags, one factory call for many callers.</summary>
internal abstract class Layer : IAsyncDisposable
{
    /// <param name="farm">The servers.</param>
    /// <param name="add">Registers the layer, over the last <see cref="IDistributedCache"/>.</param>
    protected Layer(RedisFarm farm, Action<IServiceCollection> add)
    {
        var services = new ServiceCollection().AddLogging()
            .AddShardedRedisCache(options => options.Configuration = farm.ConnectionString)
            .AddSingleton(static provider => new RecordingCache((IBufferDistributedCache)provider.GetRequiredService<IShardedCache>()))
            .AddSingleton<IDistributedCache>(static provider => provider.GetRequiredService<RecordingCache>());
        add(services);
        Services = services.BuildServiceProvider();
    }

    public RecordingCache SecondLevel => Services.GetRequiredService<RecordingCache>();

    public IShardedCache Cache => Services.GetRequiredService<IShardedCache>();

    protected ServiceProvider Services { get; }

    public abstract Task<string> GetOrCreateAsync(string key, string[] tags, Func<Task<string>> create);

    public abstract Task SetAsync(string key, string value, params string[] tags);

    public abstract Task RemoveAsync(string key);

    public abstract Task RemoveByTagAsync(string tag);

    /// <summary>What is found, or <c>made</c> where nothing is.</summary>
    public Task<string> FindAsync(string key, params string[] tags) => GetOrCreateAsync(key, tags, static () => Task.FromResult("made"));

    public ValueTask DisposeAsync() => Services.DisposeAsync();
}
