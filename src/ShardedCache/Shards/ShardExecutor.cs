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
    private static readonly TimeSpan EndIsTold = TimeSpan.FromMilliseconds(50);

    private readonly ShardJudge _judge = new(shard, context);
    private readonly ShardFallback _fallback = new(shard, context);
    private readonly ShardWriter _writer = new(shard, context);

    public Shard Shard => shard;

    /// <summary>Reads an entry; true where <paramref name="reader"/> has passed a value on.</summary>
    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder<>))]
    public async ValueTask<bool> GetAsync(StoredKey key, EntryReader reader, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("get", shard.Name);
        if (!_fallback.TryBegin(key, reader, out var known, out var isFound))
        {
            await shard.GiveWayAsync(mode).ConfigureAwait(false);
            return isFound;
        }

        var hasWaited = shard.IsAwaitingFirstOutcome;
        var connection = shard.Live ?? await WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
        var reply = connection is not null ? await connection.GetAsync(key, reader, mode, cancellationToken).ConfigureAwait(false)
            : hasWaited ? Reply.TimedOut : default;
        return connection is not null && FinishGet(connection, key, reader, reply, known) is { } answer
            ? answer
            : await FallBackAsync(connection, key, reader, reply, mode, cancellationToken).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder))]
    public async ValueTask SetAsync(
        StoredKey key, DistributedCacheEntryOptions options, ReadOnlySequence<byte> payload, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("set", shard.Name);
        cancellationToken.ThrowIfCancellationRequested();
        var calledAt = context.Time.GetUtcNow();
        var expiration = ExpirationOf(options, calledAt);
        if (shard.Live is null)
        {
            // The shard's clock may have been set only now, and what was valid when it was called stays so.
            await WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
            expiration = ExpirationOf(options, calledAt);
        }

        var write = _writer.Begin(key, expiration, payload, mode, cancellationToken);
        await _writer.FinishAsync(write, mode).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder))]
    public async ValueTask RemoveAsync(StoredKey key, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("remove", shard.Name);
        cancellationToken.ThrowIfCancellationRequested();
        if (shard.Live is null)
        {
            await WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
        }

        var write = _writer.Begin(key, null, default, mode, cancellationToken);
        await _writer.FinishAsync(write, mode).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder))]
    public async ValueTask RefreshAsync(StoredKey key, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("refresh", shard.Name);
        var connection = shard.Live ?? await WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
        var verdict = Verdict.Unavailable;
        if (connection is not null)
        {
            var reply = await connection.RunAsync(EntryScripts.Refresh, key, RefreshArguments(key), mode, cancellationToken).ConfigureAwait(false);
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

    /// <summary>Reads the keys at the given positions in one pipelined batch, into the same positions of the results.</summary>
    public async Task GetManyAsync(StoredKey[] keys, ReadOnlyMemory<int> positions, byte[]?[] results, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("get many", shard.Name);
        var hasWaited = shard.IsAwaitingFirstOutcome;
        var connection = shard.Live ?? await WaitForFirstOutcomeAsync(CallMode.Asynchronous, cancellationToken).ConfigureAwait(false);
        var batch = connection?.CreateBatch();
        var pending = new PendingRead[positions.Length];
        for (var i = 0; i < pending.Length; i++)
        {
            var key = keys[positions.Span[i]];
            var reader = context.Readers.Rent();
            reader.Begin(shard.Clock);
            bool? answer = _fallback.TryBegin(key, reader, out var known, out var isFound) ? null : isFound;
            var asks = answer is null && batch is not null;
            pending[i] = new(reader, known, answer, asks, asks ? batch!.GetAsync(key, reader, CallMode.Asynchronous, cancellationToken) : default);
        }

        batch?.Send();
        Exception? failure = null;
        for (var i = 0; i < pending.Length; i++)
        {
            var (read, position) = (pending[i], positions.Span[i]);
            try
            {
                var reply = read.IsAsked ? await read.Reply.ConfigureAwait(false) : hasWaited ? Reply.TimedOut : default;
                var isFound = (read.IsAsked ? FinishGet(connection!, keys[position], read.Reader, reply, read.Known) : read.Answer)
                    ?? await FallBackAsync(connection, keys[position], read.Reader, reply, CallMode.Asynchronous, cancellationToken).ConfigureAwait(false);
                results[position] = isFound ? read.Reader.ToArray() : null;
                context.Readers.Return(read.Reader);
            }
            catch (Exception exception) when (exception is ShardUnavailableException or OperationCanceledException)
            {
                failure ??= exception;
            }
        }

        ThrowFirst(failure);
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
        if (shard.Live is null)
        {
            await WaitForFirstOutcomeAsync(CallMode.Asynchronous, cancellationToken).ConfigureAwait(false);
        }

        EntryExpiration? expiration = options is null ? null : ExpirationOf(options, calledAt);
        var pending = _writer.BeginMany(keys, positions, payloads, expiration, cancellationToken);
        Exception? failure = null;
        foreach (var write in pending)
        {
            try
            {
                await _writer.FinishAsync(write, CallMode.Asynchronous).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is ShardUnavailableException or OperationCanceledException)
            {
                failure ??= exception;
            }
        }

        ThrowFirst(failure);
    }

    /// <summary>Writes, or with null payloads removes, members of a group; with no keys it removes all of them. One atomic step.</summary>
    public async Task WriteGroupAsync(
        StoredKey index, StoredKey removal, StoredKey[] keys, byte[][]? payloads, DistributedCacheEntryOptions? options, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start(payloads is null ? "remove group" : "set group", shard.Name);
        var calledAt = context.Time.GetUtcNow();
        EntryExpiration? expiration = options is null ? null : ExpirationOf(options, calledAt);
        if (shard.Live is null)
        {
            await WaitForFirstOutcomeAsync(CallMode.Asynchronous, cancellationToken).ConfigureAwait(false);
            expiration = options is null ? null : ExpirationOf(options, calledAt);
        }

        var write = _writer.BeginGroup(index, removal, keys, payloads, expiration, cancellationToken);
        await _writer.FinishGroupAsync(write).ConfigureAwait(false);
    }

    private EntryExpiration ExpirationOf(DistributedCacheEntryOptions options, DateTimeOffset calledAt)
    {
        var waited = Math.Max(0, (long)(context.Time.GetUtcNow() - calledAt).TotalMilliseconds);
        return EntryExpiration.From(options, calledAt, shard.Clock.NowMilliseconds - waited);
    }

    /// <summary>Null where the server gave no answer that counts.</summary>
    private bool? FinishGet(IServerConnection connection, StoredKey key, EntryReader reader, Reply reply, EntryRef known)
    {
        var isForeign = ShardJudge.IsForeign(reply, reader);
        if (isForeign)
        {
            context.Metrics.Foreign(shard.Name);
        }
        else
        {
            switch (_judge.Judge(connection, reply))
            {
                case Verdict.Answered:
                    break;
                case Verdict.Refused:
                    throw _judge.Unavailable(connection, reply);
                default:
                    return null;
            }
        }

        var found = !isForeign && reply.Kind == ReplyKind.Ok && reader.Outcome == EntryOutcome.Value;
        context.Metrics.Read(shard.Name, found);
        if (!isForeign)
        {
            _judge.ObserveStamp(reader);
        }

        _fallback.Learn(connection, key, reader, known);

        if (found && reader.Header.IsSliding)
        {
            shard.Touch(connection, key, reader.Header, context.IsJournaling);
        }

        return found;
    }

    private async ValueTask<bool> FallBackAsync(
        IServerConnection? connection, StoredKey key, EntryReader reader, Reply reply, CallMode mode, CancellationToken cancellationToken)
    {
        await shard.GiveWayAsync(mode).ConfigureAwait(false);
        var isLate = reply.Kind == ReplyKind.TimedOut
            || (reply.Kind == ReplyKind.ConnectionLost && connection is not null && await WasSilentAsync(connection, mode).ConfigureAwait(false));
        for (var isLast = isLate; shard.HasFallback; isLast = true)
        {
            if (!isLate
                && await _fallback.WaitForReplicaAsync(key, mode, cancellationToken).ConfigureAwait(false)
                && shard.Live is { } back
                && reader.TryRestart())
            {
                // Up again before a replica was found.
                if (!_fallback.TryBegin(key, reader, out var known, out var isFound))
                {
                    return isFound;
                }

                var again = await back.GetAsync(key, reader, mode, cancellationToken).ConfigureAwait(false);
                if (FinishGet(back, key, reader, again, known) is { } found)
                {
                    return found;
                }

                isLast = isLate = again.Kind == ReplyKind.TimedOut;
            }

            switch (await _fallback.ReadAsync(key, reader, isLate, isLast, mode, cancellationToken).ConfigureAwait(false))
            {
                case FallbackAnswer.Found:
                    return true;
                case FallbackAnswer.Miss:
                    return false;
                case FallbackAnswer.ReplicaLost:
                    continue;
                default:
                    break;
            }

            break;
        }

        throw connection is null ? _judge.Unavailable() : _judge.Unavailable(connection, reply);
    }

    /// <summary>Whether the connection ended because its server was silent: who waited for it then has waited for a time-out.</summary>
    private async ValueTask<bool> WasSilentAsync(IServerConnection connection, CallMode mode)
    {
        var closed = connection.Closed;
        if (!closed.IsCompleted && mode == CallMode.Asynchronous)
        {
            // It tells its end a moment after it has answered what was pending.
            await ((Task)closed).WaitAsync(EndIsTold, context.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return closed.IsCompletedSuccessfully && (await closed.ConfigureAwait(false)).Kind == ConnectionFaultKind.Silent;
    }

    private static ReadOnlySpan<ReadOnlyMemory<byte>> RefreshArguments(in StoredKey key) =>
        ReplayCommand.Index(key) is { Length: > 0 } index ? new ReadOnlyMemory<byte>[] { "0"u8.ToArray(), index } : [];

    /// <summary>Returns the connection that serves by then, or null where the fallback is to answer.</summary>
    private async ValueTask<IServerConnection?> WaitForFirstOutcomeAsync(CallMode mode, CancellationToken cancellationToken)
    {
        await shard.WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
        var live = shard.Live;
        return live is null && !shard.HasFallback ? throw _judge.Unavailable() : live;
    }

    private static void ThrowFirst(Exception? failure)
    {
        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }

    private readonly record struct PendingRead(EntryReader Reader, EntryRef Known, bool? Answer, bool IsAsked, ValueTask<Reply> Reply);
}
