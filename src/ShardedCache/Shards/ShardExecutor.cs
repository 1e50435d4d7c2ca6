using System.Buffers;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>
/// Runs the cache's operations on one shard: takes the live connection, sends the command, and says what its reply means. What no
/// server answers is answered as <see cref="FailoverMode"/> wants it.
/// </summary>
internal sealed class ShardExecutor(Shard shard, ShardContext context)
{
    private readonly ShardJudge _judge = new(shard, context);
    private readonly ShardWriter _writer = new(shard, context);
    private readonly ShardGroupWriter _groups = new(shard, context);

    public Shard Shard => shard;

    public ShardReader Reader { get; } = new(shard, context);

    /// <summary>
    /// Sets or, without options, removes. Without a state of its own where nothing is to be waited for before the command is sent: that is
    /// what most of a set costs.
    /// </summary>
    public ValueTask WriteAsync(
        StoredKey key, DistributedCacheEntryOptions? options, ReadOnlySequence<byte> payload, CallMode mode, CancellationToken cancellationToken)
    {
        if (shard.Live is null || ShardedCacheActivities.AreObserved)
        {
            return WriteLaterAsync(key, options, payload, mode, cancellationToken);
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        try
        {
            var hash = _writer.Prefetch(key);
            var localNow = options?.AbsoluteExpiration is null ? default : context.Time.GetUtcNow();
            EntryLifetime? lifetime = options is null ? null : EntryLifetime.Of(options, localNow);
            return _writer.FinishAsync(_writer.Begin(key, hash, lifetime, payload, mode, cancellationToken), mode);
        }
        catch (Exception exception) when (exception is ArgumentException or ShardUnavailableException)
        {
            return ValueTask.FromException(exception);
        }
    }

    public ValueTask RefreshAsync(StoredKey key, CallMode mode, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled(cancellationToken)
        : shard.Live is null || ShardedCacheActivities.AreObserved ? RefreshLaterAsync(key, mode, cancellationToken)
        : RefreshNowAsync(key, mode, cancellationToken);

    private async ValueTask RefreshLaterAsync(StoredKey key, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("refresh", shard.Name);
        await _judge.RunAsync(token => RefreshNowAsync(key, mode, token), mode, cancellationToken).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder))]
    private async ValueTask RefreshNowAsync(StoredKey key, CallMode mode, CancellationToken cancellationToken)
    {
        var connection = _judge.Target();
        var verdict = Verdict.Unavailable;
        if (connection is not null)
        {
            Reply reply;
            try
            {
                reply = await connection.RunAsync(EntryScripts.Refresh, key, RefreshArguments(key), mode, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (context.IsJournaling)
            {
                // Whether the server has made it is unknown.
                shard.Store.Refresh(key, null);
                throw;
            }

            verdict = _judge.Judge(connection, reply);
            if (verdict == Verdict.Refused || (verdict != Verdict.Answered && !shard.HasFallback))
            {
                throw _judge.Unavailable(connection, reply);
            }

            if (verdict == Verdict.Answered && reply.Integer == 0)
            {
                // The server does not have it: perhaps not yet.
                if (shard.Store.Find(key) is { Overlays: true })
                {
                    shard.Store.Refresh(key, null);
                }

                return;
            }
        }

        if (context.IsJournaling)
        {
            shard.Store.Refresh(key, verdict == Verdict.Answered ? connection : null);
        }

        if (verdict != Verdict.Answered)
        {
            context.Metrics.FallbackWrite(shard.Name);
            await shard.GiveWayAsync(mode).ConfigureAwait(false);
        }
    }

    /// <summary>Writes, or with null payloads removes, in one pipelined batch.</summary>
    /// <param name="keys">Of the whole operation.</param>
    /// <param name="positions">Those of this batch.</param>
    /// <param name="payloads">At the keys' positions.</param>
    /// <param name="options">Valid at <paramref name="calledAt"/>, from which expirations count: whatever was waited for, none is refused here.</param>
    /// <param name="calledAt">When the whole operation began.</param>
    /// <param name="cancellationToken">Abandons the wait.</param>
    public async Task WriteManyAsync(
        StoredKey[] keys,
        ReadOnlyMemory<int> positions,
        byte[][]? payloads,
        DistributedCacheEntryOptions? options,
        DateTimeOffset calledAt,
        CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start(payloads is null ? "remove many" : "set many", shard.Name);
        cancellationToken.ThrowIfCancellationRequested();
        EntryLifetime? lifetime = options is null ? null : EntryLifetime.Of(options, calledAt);
        await _judge.RunAsync(
            token => WriteManyNowAsync(keys, positions, payloads, Since(calledAt, lifetime), token), CallMode.Asynchronous, cancellationToken)
            .ConfigureAwait(false);
    }

    private async ValueTask WriteManyNowAsync(
        StoredKey[] keys, ReadOnlyMemory<int> positions, byte[][]? payloads, EntryLifetime? lifetime, CancellationToken cancellationToken)
    {
        var pending = _writer.BeginMany(keys, positions, payloads, lifetime, cancellationToken);
        Exception? failure = null;
        foreach (var write in pending)
        {
            try
            {
                await _writer.FinishAsync(write, CallMode.Asynchronous).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is ShardUnavailableException or OperationCanceledException)
            {
                failure = failure is ShardUnavailableException ? failure : exception;
            }
        }

        failure.Rethrow();
    }

    /// <summary>Writes, or with null payloads removes, members of a group; with no keys it removes all of them. One atomic step.</summary>
    public async Task WriteGroupAsync(
        StoredKey index, StoredKey removal, StoredKey[] keys, byte[][]? payloads, DistributedCacheEntryOptions? options, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start(payloads is null ? "remove group" : "set group", shard.Name);
        var calledAt = context.Time.GetUtcNow();
        EntryLifetime? lifetime = options is null ? null : EntryLifetime.Of(options, calledAt);
        await _judge.RunAsync(
            token => _groups.WriteAsync(index, removal, keys, payloads, Since(calledAt, lifetime), token),
            CallMode.Asynchronous,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Where there may be something to wait for, or someone watches.</summary>
    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder))]
    private async ValueTask WriteLaterAsync(
        StoredKey key, DistributedCacheEntryOptions? options, ReadOnlySequence<byte> payload, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start(options is null ? "remove" : "set", shard.Name);
        cancellationToken.ThrowIfCancellationRequested();
        var calledAt = context.Time.GetUtcNow();
        EntryLifetime? lifetime = options is null ? null : EntryLifetime.Of(options, calledAt);
        await _judge.RunAsync(
            token => _writer.FinishAsync(_writer.Begin(key, _writer.Prefetch(key), Since(calledAt, lifetime), payload, mode, token), mode), mode, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>What was valid when it was called stays so, whatever was waited for.</summary>
    private EntryLifetime? Since(DateTimeOffset calledAt, EntryLifetime? lifetime) => lifetime is { } given
        ? given with { Elapsed = Math.Max(0, (long)(context.Time.GetUtcNow() - calledAt).TotalMilliseconds) }
        : null;

    private static ReadOnlySpan<ReadOnlyMemory<byte>> RefreshArguments(in StoredKey key) =>
        ReplayCommand.Index(key) is { Length: > 0 } index ? new ReadOnlyMemory<byte>[] { "0"u8.ToArray(), index } : [];
}
