using System.Buffers;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.Contract.Cache;

/// <summary>A caller of one cache who uses one of its four sets of methods, so that one test covers them all.</summary>
internal readonly struct CacheUser(IBufferDistributedCache cache, CacheAccess access)
{
    private static readonly DistributedCacheEntryOptions NoExpiration = new();

    public async Task<byte[]?> GetAsync(string key, CancellationToken token = default)
    {
        var destination = new ArrayBufferWriter<byte>();
        switch (access)
        {
            case CacheAccess.Array:
                return cache.Get(key);
            case CacheAccess.ArrayAsync:
                return await cache.GetAsync(key, token);
            case CacheAccess.Buffer:
                return cache.TryGet(key, destination) ? destination.WrittenSpan.ToArray() : null;
            default:
                return await cache.TryGetAsync(key, destination, token) ? destination.WrittenSpan.ToArray() : null;
        }
    }

    public async Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions? options = null, CancellationToken token = default)
    {
        options ??= NoExpiration;
        switch (access)
        {
            case CacheAccess.Array:
                cache.Set(key, value, options);
                break;
            case CacheAccess.ArrayAsync:
                await cache.SetAsync(key, value, options, token);
                break;
            case CacheAccess.Buffer:
                cache.Set(key, new ReadOnlySequence<byte>(value), options);
                break;
            default:
                await cache.SetAsync(key, new ReadOnlySequence<byte>(value), options, token);
                break;
        }
    }

    public async Task RefreshAsync(string key, CancellationToken token = default)
    {
        if (access is CacheAccess.Array or CacheAccess.Buffer)
        {
            cache.Refresh(key);
        }
        else
        {
            await cache.RefreshAsync(key, token);
        }
    }

    public async Task RemoveAsync(string key, CancellationToken token = default)
    {
        if (access is CacheAccess.Array or CacheAccess.Buffer)
        {
            cache.Remove(key);
        }
        else
        {
            await cache.RemoveAsync(key, token);
        }
    }

    public Task SetTextAsync(string key, string value, DistributedCacheEntryOptions? options = null) =>
        SetAsync(key, Encoding.UTF8.GetBytes(value), options);

    public async Task<string?> GetTextAsync(string key) => await GetAsync(key) is { } value ? Encoding.UTF8.GetString(value) : null;
}
