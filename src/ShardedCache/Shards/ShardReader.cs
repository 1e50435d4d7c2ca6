using System.Buffers;
using System.Runtime.CompilerServices;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;

namespace ShardedCache.Shards;

/// <summary>Reads on one shard: from its master or, where that does not answer, as <see cref="FailoverMode"/> wants it.</summary>
internal sealed class ShardReader(Shard shard, ShardContext context)
{
    private readonly ShardJudge _judge = new(shard, context);
    private readonly ShardFallback _fallback = new(shard, context);
    private readonly ReplacedVersions _replaced = new(shard, context);
    private readonly LateUses _late = new(shard);

    /// <summary>Reads an entry into an array of its own; null where there is none.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskMethodBuilder<>))]
    public async Task<byte[]?> GetAsync(StoredKey key, CallMode mode, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var hash = _fallback.Prefetch(key);
        var time = OperationTime.Begin(context);
        var reader = context.Readers.Rent();
        reader.Begin(shard.Clock);
        var pending = Send(key, hash, reader, mode, cancellationToken, out var connection, out var answer);
        var isFound = connection is null
            ? await GetLaterAsync(key, reader, time, answer, mode, cancellationToken).ConfigureAwait(false)
            : await pending.ConfigureAwait(false) is var reply && Finish(connection, key, reader, reply, time) is { } found ? found
            : await FallBackAsync(connection, key, reader, reply, time, mode, cancellationToken).ConfigureAwait(false);
        var value = isFound ? reader.ToArray() : null;
        context.Readers.Return(reader);
        return value;
    }

    /// <summary>Reads an entry into the caller's buffer; whether there is one.</summary>
    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder<>))]
    public async ValueTask<bool> GetAsync(StoredKey key, IBufferWriter<byte> destination, CallMode mode, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var hash = _fallback.Prefetch(key);
        var time = OperationTime.Begin(context);
        var reader = context.Readers.Rent();
        reader.Begin(destination, shard.Clock);
        var pending = Send(key, hash, reader, mode, cancellationToken, out var connection, out var answer);
        var isFound = connection is null
            ? await GetLaterAsync(key, reader, time, answer, mode, cancellationToken).ConfigureAwait(false)
            : await pending.ConfigureAwait(false) is var reply && Finish(connection, key, reader, reply, time) is { } found ? found
            : await FallBackAsync(connection, key, reader, reply, time, mode, cancellationToken).ConfigureAwait(false);
        context.Readers.Return(reader);
        return isFound;
    }

    /// <summary>Reads the keys at the given positions in one pipelined batch, into the same positions of the results.</summary>
    public async Task GetManyAsync(StoredKey[] keys, ReadOnlyMemory<int> positions, byte[]?[] results, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("get many", shard.Name);
        var time = OperationTime.Begin(context);
        if (shard.Live is null)
        {
            await shard.WaitForFirstOutcomeAsync(CallMode.Asynchronous, cancellationToken).ConfigureAwait(false);
        }

        var connection = _judge.Target();
        using var limit = time.Limit(cancellationToken);
        var batch = connection?.CreateBatch();
        var pending = new PendingRead[positions.Length];
        for (var i = 0; i < pending.Length; i++)
        {
            var key = keys[positions.Span[i]];
            var reader = context.Readers.Rent();
            reader.Begin(shard.Clock);
            var answer = Begin(key, reader);
            var asks = answer is null && batch is not null;
            pending[i] = new(reader, answer, asks, asks ? batch!.GetAsync(key, reader, CallMode.Asynchronous, limit.Token) : default);
        }

        batch?.Send();
        Exception? failure = null;
        List<Task<Exception?>>? fallbacks = null;
        for (var i = 0; i < pending.Length; i++)
        {
            var (read, position) = (pending[i], positions.Span[i]);
            try
            {
                var reply = read.IsAsked ? await read.Reply.ConfigureAwait(false) : default;
                if ((read.IsAsked ? Finish(connection!, keys[position], read.Reader, reply, time) : read.Answer) is { } isFound)
                {
                    results[position] = isFound ? read.Reader.ToArray() : null;
                    context.Readers.Return(read.Reader);
                }
                else
                {
                    // All together: one after the other they would add up.
                    (fallbacks ??= []).Add(FallBackOneAsync(connection, keys, position, read.Reader, reply, time, results, cancellationToken));
                }
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                (fallbacks ??= []).Add(FallBackOneAsync(connection, keys, position, read.Reader, Reply.TimedOut, time, results, cancellationToken));
            }
            catch (Exception exception) when (exception is ShardUnavailableException or OperationCanceledException)
            {
                failure ??= exception;
            }
        }

        foreach (var fallback in fallbacks ?? [])
        {
            // Whatever has failed, none is left behind.
            var reason = await fallback.ConfigureAwait(false);
            failure ??= reason;
        }

        failure.Rethrow();
    }

    /// <summary>
    /// Asks the connection that serves. Each asynchronous method on the way of a read costs as much as a good part of the rest, so this is
    /// none: without a connection the read was answered from the journal, or there may be something to wait for, or someone watches.
    /// </summary>
    private ValueTask<Reply> Send(
        in StoredKey key, int hash, EntryReader reader, CallMode mode, CancellationToken cancellationToken,
        out IServerConnection? connection, out bool? answer)
    {
        answer = null;
        connection = ShardedCacheActivities.AreObserved ? null : shard.Live;
        if (connection is not null && !_fallback.TryBegin(key, hash, reader, out var isFound))
        {
            (connection, answer) = (null, isFound);
        }

        return connection?.GetAsync(key, reader, mode, cancellationToken) ?? default;
    }

    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder<>))]
    private async ValueTask<bool> GetLaterAsync(
        StoredKey key, EntryReader reader, OperationTime time, bool? answer, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("get", shard.Name);

        // In this order: what the journal owes to a server is known before that one serves.
        var connection = shard.Live;
        answer ??= Begin(key, reader);
        if (answer is null && connection is null)
        {
            await shard.WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
            connection = _judge.Target();
            answer = connection is null ? null : Begin(key, reader);
        }

        if (answer is { } fromJournal)
        {
            await shard.GiveWayAsync(mode).ConfigureAwait(false);
            return fromJournal;
        }

        var reply = connection is null ? default : await time.AskAsync(connection, key, reader, mode, cancellationToken).ConfigureAwait(false) ?? Reply.TimedOut;
        return connection is not null && Finish(connection, key, reader, reply, time) is { } found
            ? found
            : await FallBackAsync(connection, key, reader, reply, time, mode, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What the journal answers; null where the server is to be asked.</summary>
    private bool? Begin(in StoredKey key, EntryReader reader) =>
        _fallback.TryBegin(key, _fallback.Prefetch(key), reader, out var isFound) ? null : isFound;

    /// <summary>Null where the server gave no answer that counts.</summary>
    private bool? Finish(IServerConnection connection, StoredKey key, EntryReader reader, Reply reply, OperationTime time)
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

        if (reader.Outcome == EntryOutcome.Replaced && !_replaced.Removes(connection, key, reader.Known))
        {
            return null;
        }

        if (reply.Kind == ReplyKind.Nil && _late.Answer(key, reader.Known))
        {
            return null;
        }

        var found = !isForeign && reply.Kind == ReplyKind.Ok && reader.Outcome == EntryOutcome.Value;
        context.Metrics.Read(shard.Name, found);
        if (!isForeign)
        {
            _judge.ObserveStamp(reader);
        }

        _fallback.Learn(connection, key, reader, time);

        if (found && reader.Header.IsSliding)
        {
            shard.Touch(connection, key, reader.Header, time, context.IsJournaling);
        }

        return found;
    }

    /// <summary>One of many. Returns why it failed, if it did.</summary>
    private async Task<Exception?> FallBackOneAsync(
        IServerConnection? connection,
        StoredKey[] keys,
        int position,
        EntryReader reader,
        Reply reply,
        OperationTime time,
        byte[]?[] results,
        CancellationToken cancellationToken)
    {
        try
        {
            var isFound = await FallBackAsync(connection, keys[position], reader, reply, time, CallMode.Asynchronous, cancellationToken).ConfigureAwait(false);
            results[position] = isFound ? reader.ToArray() : null;
            context.Readers.Return(reader);
            return null;
        }
        catch (Exception exception) when (exception is ShardUnavailableException or OperationCanceledException)
        {
            return exception;
        }
    }

    private async ValueTask<bool> FallBackAsync(
        IServerConnection? connection, StoredKey key, EntryReader reader, Reply reply, OperationTime time, CallMode mode, CancellationToken cancellationToken)
    {
        if (connection is not null && reader.Outcome == EntryOutcome.Replaced
            && await ReadReplacedAsync(connection, key, reader, time, mode, cancellationToken).ConfigureAwait(false) is { } isFoundNow)
        {
            return isFoundNow;
        }

        await shard.GiveWayAsync(mode).ConfigureAwait(false);
        for (var isLast = false; shard.HasFallback; isLast = true)
        {
            if (await _fallback.WaitForReplicaAsync(key, time, mode, cancellationToken).ConfigureAwait(false)
                && shard.Live is { } back
                && reader.TryRestart())
            {
                // Up again before a replica was found.
                if (!_fallback.TryBegin(key, _fallback.Prefetch(key), reader, out var isFound))
                {
                    return isFound;
                }

                if (await time.AskAsync(back, key, reader, mode, cancellationToken).ConfigureAwait(false) is { } again
                    && Finish(back, key, reader, again, time) is { } found)
                {
                    return found;
                }

                isLast |= time.IsOver;
            }

            switch (await _fallback.ReadAsync(key, reader, time, isLast, mode, cancellationToken).ConfigureAwait(false))
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

    /// <summary>Where <see cref="ReplacedVersions.Removes"/> has denied it: the later version is in the journal now, or else this one counts.</summary>
    private async ValueTask<bool?> ReadReplacedAsync(
        IServerConnection connection, StoredKey key, EntryReader reader, OperationTime time, CallMode mode, CancellationToken cancellationToken)
    {
        if (!reader.TryRestart())
        {
            return null;
        }

        if (!_fallback.TryBegin(key, _fallback.Prefetch(key), reader, out var isFound))
        {
            return isFound;
        }

        // Nothing is to be hidden now.
        return reader.TryRestart() && await time.AskAsync(connection, key, reader, mode, cancellationToken).ConfigureAwait(false) is { } reply
            ? Finish(connection, key, reader, reply, time)
            : null;
    }

    private readonly record struct PendingRead(EntryReader Reader, bool? Answer, bool IsAsked, ValueTask<Reply> Reply);
}
