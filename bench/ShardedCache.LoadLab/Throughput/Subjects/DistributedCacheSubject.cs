using System.Buffers;
using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>A provider behind the framework's interfaces.</summary>
public class DistributedCacheSubject(IBufferDistributedCache cache) : Subject
{
    private static readonly DistributedCacheEntryOptions Absolute = new() { AbsoluteExpirationRelativeToNow = Life };
    private static readonly DistributedCacheEntryOptions Sliding = new() { SlidingExpiration = Life };

    public override IReadOnlyList<string> Operations => ["get", "get-sliding", "get-buffer", "set", "set-buffer", "remove", "batch", "mix", "miss"];

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public override Task StoreAsync(string key, byte[] value, bool isSliding) => cache.SetAsync(key, value, isSliding ? Sliding : Absolute);

    public override Task<byte[]?> GetAsync(string key) => cache.GetAsync(key);

    public override ValueTask<bool> GetAsync(string key, ArrayBufferWriter<byte> destination) => cache.TryGetAsync(key, destination);

    public override Task SetAsync(string key, byte[] value) => cache.SetAsync(key, value, Absolute);

    public override ValueTask SetAsync(string key, ReadOnlySequence<byte> value) => cache.SetAsync(key, value, Absolute);

    public override Task RemoveAsync(string key) => cache.RemoveAsync(key);

    public override Task GetManyAsync(string[] keys) => Task.WhenAll(keys.Select(key => cache.GetAsync(key)));
}
