using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.AspNetCore.Tests.Layers;

/// <summary>Stands between a layer and its second level: layers swallow what that throws, and nobody else sees by which methods they use it.</summary>
internal sealed class RecordingCache(IBufferDistributedCache cache) : IBufferDistributedCache
{
    private readonly ConcurrentQueue<string> _calls = new();
    private readonly ConcurrentQueue<Exception> _failures = new();

    public IReadOnlyCollection<string> Calls => [.. _calls.Distinct()];

    public IReadOnlyCollection<Exception> Failures => _failures;

    public byte[]? Get(string key) => Call(() => cache.Get(key), "array");

    public bool TryGet(string key, IBufferWriter<byte> destination) => Call(() => cache.TryGet(key, destination));

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => Call(() => cache.Set(key, value, options), "array");

    public void Set(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options) => Call(() => cache.Set(key, value, options));

    public void Refresh(string key) => Call(() => cache.Refresh(key));

    public void Remove(string key) => Call(() => cache.Remove(key));

    public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => CallAsync(() => cache.GetAsync(key, token), "array");

    public ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken token = default) =>
        new(CallAsync(() => cache.TryGetAsync(key, destination, token).AsTask()));

    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
        CallAsync(() => Void(cache.SetAsync(key, value, options, token)), "array");

    public ValueTask SetAsync(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
        new(CallAsync(() => Void(cache.SetAsync(key, value, options, token).AsTask())));

    public Task RefreshAsync(string key, CancellationToken token = default) => CallAsync(() => Void(cache.RefreshAsync(key, token)));

    public Task RemoveAsync(string key, CancellationToken token = default) => CallAsync(() => Void(cache.RemoveAsync(key, token)));

    private static async Task<bool> Void(Task task)
    {
        await task;
        return true;
    }

    private void Call(Action call, string kind = "buffer", [CallerMemberName] string name = "") => Call(
        () =>
        {
            call();
            return true;
        },
        kind,
        name);

    private T Call<T>(Func<T> call, string kind = "buffer", [CallerMemberName] string name = "")
    {
        _calls.Enqueue($"{name} ({kind})");
        try
        {
            return call();
        }
        catch (Exception exception)
        {
            _failures.Enqueue(exception);
            throw;
        }
    }

    private async Task<T> CallAsync<T>(Func<Task<T>> call, string kind = "buffer", [CallerMemberName] string name = "")
    {
        _calls.Enqueue($"{name} ({kind})");
        try
        {
            return await call();
        }
        catch (Exception exception)
        {
            _failures.Enqueue(exception);
            throw;
        }
    }
}
