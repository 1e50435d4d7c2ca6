using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Failover;
using ShardedCache.Sentinels;
using ShardedCache.Sharding;
using ShardedCache.Shards;

namespace ShardedCache;

/// <summary>
/// The cache: routes a key to its shard by the sharding rule and runs the operation there. Made by
/// <c>AddShardedRedisCache</c>; safe for any number of threads.
/// </summary>
#pragma warning disable RS0026 // IDistributedCache and IBufferDistributedCache define the overloads.
public sealed class ShardedRedisCache : IShardedCache, IKeyGroupStore, IPageCache, ISessionCache, IStatusSource, IDisposable, IAsyncDisposable
{
    /// <summary>A pipelined batch is sent in steps of at most this many commands, so that the last reply comes within the time-out of its own step.</summary>
    private const int CommandsPerStep = 256;

    /// <summary>For the same reason a step writes at most this much, or one payload.</summary>
    private const long BytesPerStep = 4 * 1024 * 1024;

    private readonly byte[] _keyPrefix;
    private readonly int _maximumPayloadBytes;
    private readonly PageStore _pages;
    private readonly ShardingRule _rule;
    private readonly ShardExecutor[] _executors;
    private readonly ShardSupervisor[] _supervisors;
    private readonly IServerConnector _connector;
    private readonly IMasterSource _masters;
    private readonly ShardedCacheMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SessionRouter _sessions;
    private readonly FailoverMode _failoverMode;
    private int _disposed;

    internal ShardedRedisCache(
        CacheSettings settings, IServerConnector connector, IMasterSource masters, TimeProvider time, ILogger logger, IMeterFactory? meterFactory)
    {
        _keyPrefix = Encoding.UTF8.GetBytes(settings.InstanceName);
        _maximumPayloadBytes = settings.MaximumPayloadBytes;
        _connector = connector;
        _masters = masters;
        _time = time;
        _rule = new ShardingRule([.. settings.Shards.Select(shard => new ShardName(shard.Name, shard.Weight))]);
        _metrics = new ShardedCacheMetrics(meterFactory, settings.CacheName);
        _logger = logger;
        _failoverMode = settings.FailoverMode;
        var context = new ShardContext(connector, settings.ShardConnection, masters, RuleRecord.ForRule(_rule), time, logger, _metrics)
        {
            FailoverMode = settings.FailoverMode,
            MaxStaleness = settings.MaxStaleness,
            HasSentinels = settings.Sentinels.Count > 0,
            LocalLimits = new(settings.LocalTierSizeLimit / _rule.Shards.Count, settings.LocalTierMaxEntrySize, settings.TombstoneLife),
            Journal = new JournalBudget(settings.JournalSizeLimit),
        };
        var shards = _rule.Shards.Select(name => new Shard(name.Name, context)).ToArray();
        _executors = [.. shards.Select(shard => new ShardExecutor(shard, context))];
        _pages = new PageStore(settings, _keyPrefix, _rule, [.. shards.Select(shard => new ShardPages(shard, context))], context.Readers, _metrics);
        _sessions = new SessionRouter(_keyPrefix, _rule, [.. shards.Select(shard => new ShardSessions(shard, context))], _maximumPayloadBytes);
        _supervisors = [.. shards.Select(shard => new ShardSupervisor(shard, context))];
        _metrics.ObserveShards(() => shards.Select(shard => new Measurement<int>(
            shard.Live is null ? 0 : 1, new KeyValuePair<string, object?>("shardedcache.shard.name", shard.Name))));

        _metrics.ObserveJournal(() => shards.Select(shard => new Measurement<long>(
            shard.Store.JournalBytes, new KeyValuePair<string, object?>("shardedcache.shard.name", shard.Name))));

        // What starts here lives as long as the cache, and must not carry the context of the request that asked for it first.
        using AsyncFlowControl? flow = ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
        _masters.Start();
        foreach (var supervisor in _supervisors)
        {
            supervisor.Start();
        }
    }

    IPageStore IPageCache.Pages => _pages;

    /// <summary>Memory that the journals of all shards take, in bytes.</summary>
    internal long JournalBytes => _executors.Sum(static executor => executor.Shard.Store.JournalBytes);

    CacheStatus IStatusSource.Status => new(_failoverMode, [.. _executors.Select(static executor => executor.Shard.Status)]);

    internal IReadOnlyList<ShardSnapshot> Status => [.. _executors.Select(executor => executor.Shard.Snapshot)];

    /// <inheritdoc />
    public string GetShard(string key) => Route(key, out _).Shard.Name;

    /// <inheritdoc />
    public byte[]? Get(string key)
    {
        var pending = Route(key, out var stored).Reader.GetAsync(stored, CallMode.Blocking, CancellationToken.None);
        return pending.GetAwaiter().GetResult();
    }

    /// <inheritdoc />
    public Task<byte[]?> GetAsync(string key, CancellationToken token = default) =>
        Route(key, out var stored).Reader.GetAsync(stored, CallMode.Asynchronous, token);

    /// <inheritdoc />
    /// <remarks>
    /// The destination may be called on the thread that receives from the servers. It must not block there, nor call the cache and
    /// wait for the answer, as those of .NET do not: everything else that is to be received waits for it.
    /// </remarks>
    public bool TryGet(string key, IBufferWriter<byte> destination)
    {
        var pending = ReadAsync(key, destination, CallMode.Blocking, CancellationToken.None);
        return pending.GetAwaiter().GetResult();
    }

    /// <inheritdoc />
    /// <remarks>
    /// The destination may be called on the thread that receives from the servers. It must not block there, nor call the cache and
    /// wait for the answer, as those of .NET do not: everything else that is to be received waits for it.
    /// </remarks>
    public ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken token = default) =>
        ReadAsync(key, destination, CallMode.Asynchronous, token);

    /// <inheritdoc />
    public void Set(string key, byte[] value, DistributedCacheEntryOptions options)
    {
        ArgumentNullException.ThrowIfNull(value);
        Set(key, new ReadOnlySequence<byte>(value), options);
    }

    /// <inheritdoc />
    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(value);
        return SetAsync(key, new ReadOnlySequence<byte>(value), options, token).AsTask();
    }

    /// <inheritdoc />
    public void Set(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options)
    {
        var pending = WriteAsync(key, value, options, CallMode.Blocking, CancellationToken.None);
        pending.GetAwaiter().GetResult();
    }

    /// <inheritdoc />
    public ValueTask SetAsync(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
        WriteAsync(key, value, options, CallMode.Asynchronous, token);

    /// <inheritdoc />
    public void Refresh(string key)
    {
        var pending = Route(key, out var stored).RefreshAsync(stored, CallMode.Blocking, CancellationToken.None);
        pending.GetAwaiter().GetResult();
    }

    /// <inheritdoc />
    public Task RefreshAsync(string key, CancellationToken token = default) =>
        Route(key, out var stored).RefreshAsync(stored, CallMode.Asynchronous, token).AsTask();

    /// <inheritdoc />
    public void Remove(string key)
    {
        var pending = Route(key, out var stored).WriteAsync(stored, null, default, CallMode.Blocking, CancellationToken.None);
        pending.GetAwaiter().GetResult();
    }

    /// <inheritdoc />
    public Task RemoveAsync(string key, CancellationToken token = default) =>
        Route(key, out var stored).WriteAsync(stored, null, default, CallMode.Asynchronous, token).AsTask();

    /// <inheritdoc />
    public async Task<byte[]?[]> GetManyAsync(IReadOnlyList<string> keys, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        token.ThrowIfCancellationRequested();
        var results = new byte[]?[keys.Count];
        var stored = new StoredKey[keys.Count];
        await ForEachShardAsync(keys.Count, position => keys[position], static _ => 0, stored,
            (executor, positions) => executor.Reader.GetManyAsync(stored, positions, results, token)).ConfigureAwait(false);
        return results;
    }

    /// <inheritdoc />
    public async Task SetManyAsync(
        IReadOnlyList<KeyValuePair<string, byte[]>> entries, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(options);
        var calledAt = CheckExpiration(options);
        token.ThrowIfCancellationRequested();
        var payloads = new byte[entries.Count][];
        for (var i = 0; i < payloads.Length; i++)
        {
            payloads[i] = entries[i].Value ?? throw new ArgumentException($"The value at index {i} is null; remove the key instead.", nameof(entries));
            CheckPayload(payloads[i].Length, nameof(entries));
        }

        var stored = new StoredKey[payloads.Length];
        await ForEachShardAsync(payloads.Length, position => entries[position].Key, position => payloads[position].Length, stored,
            (executor, positions) => executor.WriteManyAsync(stored, positions, payloads, options, calledAt, token)).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task RemoveManyAsync(IReadOnlyList<string> keys, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        token.ThrowIfCancellationRequested();
        var stored = new StoredKey[keys.Count];
        await ForEachShardAsync(keys.Count, position => keys[position], static _ => 0, stored,
            (executor, positions) => executor.WriteManyAsync(stored, positions, null, null, default, token)).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public IKeyGroup CreateKeyGroup(string name) => new KeyGroup(name, this);

    Task IKeyGroupStore.SetGroupAsync(
        string group, IReadOnlyList<KeyValuePair<string, byte[]>> entries, DistributedCacheEntryOptions options, CancellationToken token)
    {
        foreach (var (_, value) in entries)
        {
            CheckPayload(value.Length, nameof(entries));
        }

        return WriteGroupAsync(group, [.. entries.Select(static entry => entry.Key)], [.. entries.Select(static entry => entry.Value)], options, token);
    }

    Task IKeyGroupStore.RemoveGroupAsync(string group, IReadOnlyList<string> keys, CancellationToken token) => WriteGroupAsync(group, keys, null, null, token);

    Task IKeyGroupStore.RemoveWholeGroupAsync(string group, CancellationToken token) => WriteGroupAsync(group, [], null, null, token);

    private Task WriteGroupAsync(
        string group, IReadOnlyList<string> keys, byte[][]? payloads, DistributedCacheEntryOptions? options, CancellationToken token)
    {
        // A name of its own, which is no caller's key, on the shard and in the stripe of the group's keys.
        var executor = Route($"{{{group}}}", out var routed);
        var stored = keys.Select(key => routed with { Name = key }).ToArray();
        return executor.WriteGroupAsync(
            routed with { Name = GroupKeys.IndexOf(group) }, routed with { Name = GroupKeys.RemovalOf(group) }, stored, payloads, options, token);
    }

    ISessionEntries ISessionCache.Sessions => _sessions;

    /// <summary>
    /// Waits until the masters have everything that was written here, or until cancelled; then logs how much is still missing.
    /// Called when the host stops.
    /// </summary>
    internal async Task DrainAsync(CancellationToken cancellationToken)
    {
        if (_disposed != 0)
        {
            // Some hosts dispose their services before they stop.
            return;
        }

        try
        {
            await Task.WhenAll(_supervisors.Select(supervisor => supervisor.DrainAsync(cancellationToken))).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Told when the cache is disposed.
        }
    }

    /// <summary>Closes all connections. An application's own multiplexers stay open.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await Task.WhenAll(_supervisors.Select(supervisor => supervisor.DisposeAsync().AsTask())).ConfigureAwait(false);
        foreach (var shard in _executors.Select(executor => executor.Shard).Where(static shard => shard.Store.Undelivered > 0))
        {
            _logger.WritesUndelivered(shard.Name, shard.Store.Undelivered);
        }

        await _masters.DisposeAsync().ConfigureAwait(false);
        await _connector.DisposeAsync().ConfigureAwait(false);
        _metrics.Dispose();
    }

    /// <inheritdoc cref="DisposeAsync" />
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private ValueTask<bool> ReadAsync(string key, IBufferWriter<byte> destination, CallMode mode, CancellationToken token)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return Route(key, out var stored).Reader.GetAsync(stored, destination, mode, token);
    }

    private ValueTask WriteAsync(
        string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options, CallMode mode, CancellationToken token)
    {
        ArgumentNullException.ThrowIfNull(options);
        CheckPayload(value.Length, nameof(value));
        var executor = Route(key, out var stored);
        return executor.WriteAsync(stored, options, value, mode, token);
    }

    private ShardExecutor Route(string key, out StoredKey stored)
    {
        ArgumentNullException.ThrowIfNull(key);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _executors[_rule.Route(new StoredKey(_keyPrefix, key), out stored)];
    }

    /// <summary>Refuses a past expiration before anything is sent to any shard.</summary>
    /// <returns>The time at which it was checked.</returns>
    private DateTimeOffset CheckExpiration(DistributedCacheEntryOptions options)
    {
        var now = _time.GetUtcNow();
        EntryLifetime.Of(options, now);
        return now;
    }

    private void CheckPayload(long length, string argument)
    {
        if (length > _maximumPayloadBytes)
        {
            throw new ArgumentException(
                $"The value has {length} bytes; at most {_maximumPayloadBytes} are stored ({nameof(ShardedRedisCacheOptions.MaximumPayloadBytes)}).", argument);
        }
    }

    /// <summary>
    /// Routes every key before anything is sent, so that a bad key leaves nothing half done; then runs all shards at once,
    /// and each to its end, so that one that is down takes nothing from the others.
    /// </summary>
    private async Task ForEachShardAsync(
        int count, Func<int, string> key, Func<int, int> bytes, StoredKey[] stored, Func<ShardExecutor, ReadOnlyMemory<int>, Task> run)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        var positions = new List<int>?[_executors.Length];
        for (var i = 0; i < count; i++)
        {
            ArgumentNullException.ThrowIfNull(key(i), "keys");
            (positions[_rule.Route(new StoredKey(_keyPrefix, key(i)), out stored[i])] ??= []).Add(i);
        }

        await Task.WhenAll(_executors.Select((executor, shard) => RunInStepsAsync(executor, positions[shard], bytes, run))).ConfigureAwait(false);
    }

    private static async Task RunInStepsAsync(
        ShardExecutor executor, List<int>? positions, Func<int, int> bytes, Func<ShardExecutor, ReadOnlyMemory<int>, Task> run)
    {
        var rest = positions?.ToArray().AsMemory() ?? Memory<int>.Empty;
        while (!rest.IsEmpty)
        {
            var count = 1;
            long size = bytes(rest.Span[0]);
            while (count < Math.Min(rest.Length, CommandsPerStep) && (size += bytes(rest.Span[count])) <= BytesPerStep)
            {
                count++;
            }

            await run(executor, rest[..count]).ConfigureAwait(false);
            rest = rest[count..];
        }
    }
}
