using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Failover;
using ShardedCache.Sharding;

namespace ShardedCache;

/// <summary>
/// The cache where no Redis is configured, in Development: the same checks and expirations as over a farm of one shard,
/// with the entries in this process's memory. Nothing here waits: the asynchronous members have completed when they return.
/// </summary>
internal sealed class LocalMemoryCache(CacheSettings settings, TimeProvider time) : IShardedCache, IKeyGroupStore, IPageCache, ISessionCache, IStatusSource
{
    public const string Shard = "local-memory";

    // Has one shard only, but refuses the keys that every rule refuses.
    private readonly ShardingRule _rule = new([new ShardName(Shard)]);
    private readonly byte[] _keyPrefix = Encoding.UTF8.GetBytes(settings.InstanceName);

    CacheStatus IStatusSource.Status => CacheStatus.OfLocalMemory;

    private readonly MemoryStore _store = new(settings.LocalTierSizeLimit, time);

    public IPageStore Pages => field ??= new LocalMemoryPages(_store, settings.MaximumPayloadBytes, time);

    public string GetShard(string key)
    {
        CheckKey(key);
        return Shard;
    }

    public byte[]? Get(string key)
    {
        CheckKey(key);
        return (byte[]?)_store.Get(key)?.Clone();
    }

    public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Run(() => Get(key), token);

    public bool TryGet(string key, IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        CheckKey(key);
        if (_store.Get(key) is not { } value)
        {
            return false;
        }

        destination.Write(value);
        return true;
    }

    public ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken token = default) =>
        new(Run(() => TryGet(key, destination), token));

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options)
    {
        ArgumentNullException.ThrowIfNull(value);
        Set(key, new ReadOnlySequence<byte>(value), options);
    }

    public void Set(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options) =>
        SetMany([new(key, value)], options);

    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
        Run(() => Set(key, value, options), token);

    public ValueTask SetAsync(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
        new(Run(() => Set(key, value, options), token));

    public void Refresh(string key)
    {
        CheckKey(key);
        _store.Get(key);
    }

    public Task RefreshAsync(string key, CancellationToken token = default) => Run(() => Refresh(key), token);

    public void Remove(string key)
    {
        CheckKey(key);
        _store.Remove([key]);
    }

    public Task RemoveAsync(string key, CancellationToken token = default) => Run(() => Remove(key), token);

    public Task<byte[]?[]> GetManyAsync(IReadOnlyList<string> keys, CancellationToken token = default)
    {
        CheckAll(keys);
        return Run(() => keys.Select(Get).ToArray(), token);
    }

    public Task SetManyAsync(
        IReadOnlyList<KeyValuePair<string, byte[]>> entries, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var values = entries.Select(entry => KeyValuePair.Create(
            entry.Key,
            new ReadOnlySequence<byte>(entry.Value ?? throw new ArgumentException("A value is null; remove the key instead.", nameof(entries)))));
        return Run(() => SetMany([.. values], options), token);
    }

    public Task RemoveManyAsync(IReadOnlyList<string> keys, CancellationToken token = default)
    {
        CheckAll(keys);
        return Run(() => keys.ToList().ForEach(Remove), token);
    }

    public IKeyGroup CreateKeyGroup(string name) => new KeyGroup(name, this);

    Task IKeyGroupStore.SetGroupAsync(
        string group, IReadOnlyList<KeyValuePair<string, byte[]>> entries, DistributedCacheEntryOptions options, CancellationToken token) =>
        Run(() => SetMany([.. entries.Select(static entry => KeyValuePair.Create(entry.Key, new ReadOnlySequence<byte>(entry.Value)))], options, group), token);

    Task IKeyGroupStore.RemoveGroupAsync(string group, IReadOnlyList<string> keys, CancellationToken token) => Run(() => _store.Remove(keys), token);

    Task IKeyGroupStore.RemoveWholeGroupAsync(string group, CancellationToken token) => Run(() => _store.RemoveGroup(group), token);

    ISessionEntries ISessionCache.Sessions => field ??= new MemorySessions(_store, time, settings.MaximumPayloadBytes);

    private void CheckAll(IReadOnlyList<string> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (var key in keys)
        {
            CheckKey(key);
        }
    }

    private static Task Run(Action action, CancellationToken token) => Run(() =>
    {
        action();
        return true;
    }, token);

    private static Task<T> Run<T>(Func<T> function, CancellationToken token) =>
        token.IsCancellationRequested ? Task.FromCanceled<T>(token) : Task.FromResult(function());

    /// <summary>Checks everything before it keeps anything.</summary>
    private void SetMany(IReadOnlyList<KeyValuePair<string, ReadOnlySequence<byte>>> entries, DistributedCacheEntryOptions options, string? group = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var (key, value) in entries)
        {
            CheckKey(key);
            CheckPayload(value.Length);
        }

        var now = time.GetUtcNow();
        var expiration = EntryExpiration.From(options, now, now.ToUnixTimeMilliseconds());
        _store.Set([.. entries.Select(static entry => KeyValuePair.Create(entry.Key, entry.Value.ToArray()))], expiration, group);
    }

    private void CheckKey(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        _rule.Route(new StoredKey(_keyPrefix, key));
    }

    private void CheckPayload(long length)
    {
        if (length > settings.MaximumPayloadBytes)
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"The value has {length} bytes; at most {settings.MaximumPayloadBytes} are stored ({nameof(ShardedRedisCacheOptions.MaximumPayloadBytes)})."), "value");
        }
    }
}
