using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>The atomic writes and removals over keys of one group.</summary>
internal sealed class ShardGroupWriter(Shard shard, ShardContext context)
{
    private readonly ShardJudge _judge = new(shard, context);
    private readonly LocalStore _store = shard.Store;

    /// <summary>Writes or, without payloads, removes members; with no keys, all of them.</summary>
    public ValueTask WriteAsync(
        in StoredKey index, in StoredKey removal, StoredKey[] keys, byte[][]? payloads, EntryLifetime? lifetime, CancellationToken cancellationToken) =>
        FinishAsync(Begin(index, removal, keys, payloads, lifetime, cancellationToken));

    private PendingWrite Begin(
        in StoredKey index, in StoredKey removal, StoredKey[] keys, byte[][]? payloads, EntryLifetime? lifetime, CancellationToken cancellationToken)
    {
        PendingWrite write;
        var stripe = _store.StripeOf(index);
        lock (stripe.Lock)
        {
            var connection = _judge.Target();
            using var telling = _store.Lookup.TellUnsent();
            var stamp = shard.Clock.Next();
            var group = new GroupOperation(index, removal, stamp, isRemovalOfAll: keys.Length == 0);
            var header = lifetime?.From(shard.Clock.NowMilliseconds) is { } given ? EntryHeader.Value(stamp, given) : EntryHeader.Tombstone(stamp);
            for (var i = 0; i < Math.Max(1, keys.Length); i++)
            {
                PayloadCopy? copy = payloads is null ? null : PayloadCopy.Of(payloads[i]);
                var kind = payloads is null ? LocalKind.Tombstone : LocalKind.Value;
                var entry = stripe.Create(keys.Length == 0 ? index : keys[i], kind, header, copy);
                (entry.Group, entry.IsShared) = (group, true);
                _store.Write(stripe, entry, connection);
                if (group.IsRemovalOfAll)
                {
                    // It hides copies of what it removes, which are read for so long.
                    entry.ExpiresAt = Math.Max(entry.ExpiresAt, entry.ConfirmedAt + (long)context.MaxStaleness.TotalMilliseconds);
                }

                group.Entries.Add(entry);
            }

            write = new(connection, group, connection is null ? default : GroupCommand.Send(connection, group, _store, isReplay: false, cancellationToken));
            if (!context.IsJournaling)
            {
                // They were there for the command alone; what no server was told is still to be invalidated.
                group.Entries.ForEach(connection is null ? entry => stripe.Shrink(entry) : stripe.Forget);
            }
        }

        _store.Added();
        return write;
    }

    private async ValueTask FinishAsync(PendingWrite write)
    {
        var entries = write.Group.Entries;
        if (write.Connection is not { } connection)
        {
            context.Metrics.FallbackWrite(shard.Name);
            await shard.GiveWayAsync(CallMode.Asynchronous).ConfigureAwait(false);
            return;
        }

        Reply reply;
        try
        {
            reply = await write.Reply.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            entries.ForEach(entry => _store.Answered(EntryRef.To(entry), connection, isAcknowledged: false));
            _store.Added();
            if (context.FailoverMode == FailoverMode.Bypass)
            {
                Invalidate(write.Group);
            }

            throw;
        }

        switch (_judge.JudgeWrite(connection, reply))
        {
            case Verdict.Answered:
                entries.ForEach(entry => _store.Answered(EntryRef.To(entry), connection, isAcknowledged: true));
                return;
            case Verdict.Unavailable or Verdict.NotWriting or Verdict.Full when context.IsJournaling:
                // A server without memory takes it when there is some again; until then the journal answers for these keys.
                entries.ForEach(entry => _store.Answered(EntryRef.To(entry), connection, isAcknowledged: false));
                _store.Added();
                context.Metrics.FallbackWrite(shard.Name);
                return;
            case Verdict.Unavailable or Verdict.NotWriting when context.FailoverMode == FailoverMode.Bypass:
                Invalidate(write.Group);
                return;
            default:
                entries.ForEach(entry => _store.Forget(EntryRef.To(entry)));
                throw _judge.Unavailable(connection, reply);
        }
    }

    private void Invalidate(GroupOperation group)
    {
        var stripe = _store.StripeOf(group.Index);
        lock (stripe.Lock)
        {
            group.Entries.ForEach(stripe.Invalidate);
        }

        _store.Added();
    }

    /// <summary>An operation on its way; without a connection the journal alone has it.</summary>
    private readonly record struct PendingWrite(IServerConnection? Connection, GroupOperation Group, ValueTask<Reply> Reply);
}
