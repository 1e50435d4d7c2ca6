using System.Buffers;
using System.Runtime.CompilerServices;
using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>
/// Writes and removes on one shard. In <see cref="FailoverMode.LocalTier"/> each is sent and taken into the journal under one lock, that
/// of its key's stripe: so the order of a key's stamps is the order in which its server gets them, and no answer comes before its record.
/// When an entry expires is told there, too, by the clock that tells its stamp: without the lock that clock may be calibrated in between.
/// </summary>
internal sealed class ShardWriter(Shard shard, ShardContext context)
{
    private readonly ShardJudge _judge = new(shard, context);
    private readonly LocalStore _store = shard.Store;

    /// <summary>Begins to look up what a write will replace.</summary>
    /// <returns>Its name's hash, for <see cref="Begin"/>.</returns>
    public int Prefetch(in StoredKey key) => context.IsJournaling ? _store.Lookup.Prefetch(key) : 0;

    /// <summary>Stamps, sends and journals; without a lifetime it removes.</summary>
    public PendingWrite Begin(
        in StoredKey key, int hash, EntryLifetime? lifetime, in ReadOnlySequence<byte> payload, CallMode mode, CancellationToken cancellationToken)
    {
        var kept = context.IsJournaling && lifetime is not null ? PayloadSource.Of(payload) : default;
        PendingWrite write;

        // What the write replaces is far from the processor: one step towards it at a time, with something else done in between.
        var stripe = _store.StripeOf(key);
        var sought = context.IsJournaling ? stripe.Seek(hash) : null;
        lock (stripe.Lock)
        {
            var connection = shard.Live ?? Target(kept);
            write = BeginLocked(stripe, sought, connection, connection, key, lifetime, kept, payload, mode, cancellationToken);
        }

        _store.Added();
        return write;
    }

    /// <summary>The same for many keys, sent together.</summary>
    public PendingWrite[] BeginMany(
        StoredKey[] keys, ReadOnlyMemory<int> positions, byte[][]? payloads, EntryLifetime? lifetime, CancellationToken cancellationToken)
    {
        var writes = new PendingWrite[positions.Length];
        var kept = new PayloadSource[positions.Length];
        for (var i = 0; i < kept.Length && context.IsJournaling && payloads is not null; i++)
        {
            kept[i] = PayloadSource.Of(new(payloads[positions.Span[i]]));
        }

        _store.WithAllLocked(() =>
        {
            var connection = Target(kept);
            var batch = connection?.CreateBatch();
            using var telling = _store.Lookup.TellUnsent();
            for (var i = 0; i < writes.Length; i++)
            {
                var key = keys[positions.Span[i]];
                var payload = payloads is null ? default : new ReadOnlySequence<byte>(payloads[positions.Span[i]]);
                var stripe = _store.StripeOf(key);
                var sought = context.IsJournaling ? stripe.Seek(Prefetch(key)) : null;
                writes[i] = BeginLocked(
                    stripe, sought, connection, batch, key, lifetime, kept[i], payload, CallMode.Asynchronous, cancellationToken);
            }

            batch?.Send();
        });
        _store.Added();
        return writes;
    }

    /// <summary>Awaits the server's answer and decides what the caller is told.</summary>
    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder))]
    public async ValueTask FinishAsync(PendingWrite write, CallMode mode)
    {
        if (write.Connection is not { } connection)
        {
            context.Metrics.FallbackWrite(shard.Name);
            await shard.GiveWayAsync(mode).ConfigureAwait(false);
            return;
        }

        Reply reply;
        try
        {
            reply = await write.Reply.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Whether the server has it is unknown: so it is brought there again.
            Unanswered(write, connection);
            throw;
        }

        var verdict = _judge.JudgeWrite(connection, reply);
        if (verdict == Verdict.Answered && write.IsGuarded && reply.Integer == 0)
        {
            _store.Superseded(write.Entry, connection);
            return;
        }

        var isRemoved = verdict == Verdict.Answered && reply.Integer == EntryScripts.RemovedForLackOfMemory;
        var isFull = isRemoved || verdict == Verdict.Full;
        if (isFull || verdict == Verdict.Answered)
        {
            _store.IsFull = isFull;
        }

        if (isFull)
        {
            context.Metrics.Evicted(shard.Name);
            if (!isRemoved)
            {
                // The server has no room for the new value, and the old one must not be read any more.
                reply = await EvictAsync(write, connection, mode).ConfigureAwait(false);
                verdict = _judge.JudgeWrite(connection, reply);
            }

            if (write.IsJournaled && verdict != Verdict.Refused)
            {
                _store.Evicted(write.Entry, isAcknowledged: verdict == Verdict.Answered);
            }
        }

        switch (verdict)
        {
            case Verdict.Answered:
                if (write.IsJournaled)
                {
                    _store.Answered(write.Entry, connection, isAcknowledged: true);
                }

                return;
            case Verdict.Unavailable or Verdict.NotWriting when context.FailoverMode != FailoverMode.Throw:
                Unanswered(write, connection);
                context.Metrics.FallbackWrite(shard.Name);
                return;
            default:
                // The caller learns that it failed, so nothing may bring it later.
                if (write.IsJournaled)
                {
                    _store.Forget(write.Entry);
                }

                throw _judge.Unavailable(connection, reply);
        }
    }

    /// <summary>The connection to send on; null where the journal alone takes the write. Under a stripe's lock, with which it cannot change.</summary>
    private IServerConnection? Target(params ReadOnlySpan<PayloadSource> payloads)
    {
        var connection = shard.Live;
        if (connection is null && !shard.HasFallback)
        {
            foreach (var payload in payloads)
            {
                payload.Large?.Return();
            }

            throw _judge.Unavailable();
        }

        return connection;
    }

    /// <summary>Within what is left of the write's time.</summary>
    private async ValueTask<Reply> EvictAsync(PendingWrite write, IServerConnection connection, CallMode mode)
    {
        using var limit = OperationTime.Resume(context, shard.Clock.ElapsedSince(write.Stamp)).Limit(write.CancellationToken);
        try
        {
            return await connection.RunAsync(EntryScripts.Evict, write.Key, [write.Stamp.ToBytes()], mode, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!write.CancellationToken.IsCancellationRequested)
        {
            return Reply.TimedOut;
        }
        catch (OperationCanceledException)
        {
            Unanswered(write, connection);
            throw;
        }
    }

    private PendingWrite BeginLocked(
        LocalStripe stripe,
        LocalEntry? sought,
        IServerConnection? connection,
        IEntryCommands? commands,
        in StoredKey key,
        in EntryLifetime? lifetime,
        in PayloadSource kept,
        in ReadOnlySequence<byte> payload,
        CallMode mode,
        CancellationToken cancellationToken)
    {
        var stamp = shard.Clock.Next(out var now);
        var expiration = lifetime?.From(now);
        var header = expiration is { } given ? EntryHeader.Value(stamp, given) : EntryHeader.Tombstone(stamp);
        EntryRef written = default;
        ValueTask<Reply> reply = default;
        if (commands is not null)
        {
            shard.Touches.Stored(key.Name, header, stamp.UnixMicroseconds / 1000);
            if (context.IsJournaling && _store.IsFull)
            {
                return BeginOnFull(stripe, sought, connection, commands, key, header, kept, mode, cancellationToken);
            }

            Span<byte> bytes = stackalloc byte[EntryHeader.MaxLength];
            var length = header.Write(bytes);
            sought?.PrefetchPayload();
            var life = expiration is { } set ? set.TimeToLive : _store.Limits.TombstoneLife;
            var guard = Guard(header, life);
            reply = commands.SetAsync(key, bytes[..length], payload, header.IsSliding ? life : guard, mode, cancellationToken);
            if (header.IsSliding && guard > life)
            {
                // Its answer tells nothing that the entry's does not.
                _ = Reply.Drop(commands.SetAsync(
                    ReplayCommand.LastStampOf(key), header.Stamp.ToBytes(), ReadOnlySequence<byte>.Empty, guard, CallMode.Asynchronous, CancellationToken.None));
            }
        }

        // Not before: what is known of the key has come into the processor's cache by now.
        if (context.IsJournaling)
        {
            written = EntryRef.To(_store.Write(stripe, sought, key, header, kept, connection));
        }
        else if (connection is null)
        {
            stripe.Put(_store.Removal(stripe, key, LocalKind.Invalidation, stamp), Standing.Pending, null);
        }
        else if (stripe.Find(key.Name) is { } overwritten)
        {
            // What is to be invalidated is overwritten; should that fail, it is invalidated again.
            stripe.Forget(overwritten);
        }

        return new(key, stamp, connection, written, reply) { CancellationToken = cancellationToken };
    }

    /// <summary>Where there is still no room a replay removes the key: one command in place of two, one after the other.</summary>
    private PendingWrite BeginOnFull(
        LocalStripe stripe,
        LocalEntry? sought,
        IServerConnection? connection,
        IEntryCommands commands,
        in StoredKey key,
        in EntryHeader header,
        in PayloadSource kept,
        CallMode mode,
        CancellationToken cancellationToken)
    {
        using var telling = _store.Lookup.TellUnsent();
        var entry = _store.Write(stripe, sought, key, header, kept, connection);
        var written = EntryRef.To(entry);
        var isWhole = ReplayCommand.IsBroughtWhole(entry, _store);
        try
        {
            var reply = ReplayCommand.Send(commands, entry, _store, isWhole, out var isGuarded, mode, cancellationToken);
            return new(key, header.Stamp, connection, written, reply) { IsGuarded = isGuarded, CancellationToken = cancellationToken };
        }
        catch
        {
            // As where it is not sent: nothing may bring it later.
            if (written.Current is { } unsent)
            {
                stripe.Forget(unsent);
            }

            throw;
        }
    }

    /// <summary>
    /// For how long something of the entry has to be there, at least its life. Soon after an outage other processes may still bring what they
    /// wrote in it: until that is too old, what a short-lived entry replaced has to find something to yield to. That is the entry itself,
    /// unreadable, where its header says when it ends, or else its stamp beside it.
    /// </summary>
    private TimeSpan Guard(in EntryHeader header, TimeSpan life)
    {
        if (shard.RecoveredAt == 0 || life == Timeout.InfiniteTimeSpan)
        {
            return life;
        }

        var guard = _store.Limits.TombstoneLife - TimeSpan.FromMilliseconds((header.Stamp.UnixMicroseconds / 1000) - shard.RecoveredAt);
        return guard > life ? guard : life;
    }

    private void Unanswered(in PendingWrite write, IServerConnection connection)
    {
        if (write.IsJournaled)
        {
            _store.Answered(write.Entry, connection, isAcknowledged: false);
        }
        else if (context.FailoverMode == FailoverMode.Bypass)
        {
            var stripe = _store.StripeOf(write.Key);
            lock (stripe.Lock)
            {
                stripe.Invalidate(_store.Removal(stripe, write.Key, LocalKind.Invalidation, write.Stamp));
            }
        }

        _store.Added();
    }
}

/// <summary>A write on its way; without a connection the journal alone has it.</summary>
internal readonly record struct PendingWrite(StoredKey Key, Stamp Stamp, IServerConnection? Connection, EntryRef Entry, ValueTask<Reply> Reply)
{
    public bool IsJournaled => Entry.Entry is not null;

    /// <summary>Abandons the wait for its answer.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>The answer is 0 where something later is there.</summary>
    public bool IsGuarded { get; init; }
}
