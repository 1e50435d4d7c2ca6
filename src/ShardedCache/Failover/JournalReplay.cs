using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>Sends what is pending in a shard's journal to its master, record by record, each guarded by its stamp.</summary>
internal sealed class JournalReplay(string shard, LocalStore store, ShardedCacheMetrics metrics)
{
    private const int RecordsPerStep = 256;
    private const long BytesPerStep = 4 * 1024 * 1024;

    /// <summary>So few are left to the last step, which holds every stripe: or more, where writes come in as fast as they are sent.</summary>
    private const int LastStep = 64;

    private const int MaxRounds = 8;

    private static readonly StoredScript[] Scripts =
    [
        EntryScripts.Replay, EntryScripts.Touch, EntryScripts.Refresh, GroupScripts.Write, GroupScripts.RemoveAll, PageScripts.Set, PageScripts.Evict,
        SessionScripts.Merge,
    ];

    /// <summary>Holds no entry, so the scripts leave it alone.</summary>
    private static readonly StoredKey NoEntry = new([], "__shardedcache:rule");

    /// <summary>
    /// Decides, record by record, what a master has already; the rest becomes pending. Nothing is sent to the shard meanwhile.
    /// </summary>
    /// <param name="connection">To that master.</param>
    /// <param name="isContained">Whether the master has what was acknowledged in a round.</param>
    public void Sort(IServerConnection connection, Func<long, bool> isContained) => store.WithAllLocked(() =>
    {
        store.Serve(connection);
        foreach (var stripe in store.All)
        {
            // What is given a later round goes to the end, and is not to be met again there.
            var (entry, left) = (stripe.Journal.First, stripe.Journal.Count);
            for (LocalEntry? next; left > 0 && entry is not null; entry = next, left--)
            {
                next = entry.Next;

                // Where it was touched since, the touch may be missing, and a replay of the same version brings that.
                if (stripe.Settle(entry) is { Standing: Standing.Acknowledged, TouchedAt: 0 } && isContained(entry.Round))
                {
                    stripe.Move(entry, Standing.Acknowledged, connection);
                    continue;
                }

                stripe.Move(entry, Standing.Pending, null);
            }
        }
    });

    /// <summary>Sends all that is pending and then, in one with the last of it, publishes the connection.</summary>
    /// <returns>Why the connection may not serve; null where it does.</returns>
    public async Task<string?> RecoverAsync(IServerConnection connection, Action publish, CancellationToken cancellationToken)
    {
        // A script that the server does not know yet is sent a second time, as text: behind commands that are to follow it.
        await Task.WhenAll(Scripts.Select(script =>
            connection.RunAsync(script, NoEntry, [], CallMode.Asynchronous, cancellationToken).AsTask())).ConfigureAwait(false);

        var keepsPending = false;
        for (var round = 0; !keepsPending && round < MaxRounds && store.Pending > LastStep; round++)
        {
            var outcome = await SendPendingAsync(connection, cancellationToken).ConfigureAwait(false);
            if (outcome.Failure is not null)
            {
                return outcome.Failure;
            }

            // A server that does not write now, or has no memory for some, is of use for reading; what is pending overlays it.
            keepsPending = outcome.IsRefused || outcome.IsFull;
        }

        List<SentRecord> last = [];
        store.WithAllLocked(() =>
        {
            var batch = connection.CreateBatch();
            foreach (var entry in keepsPending ? [] : store.All.SelectMany(Pending).ToList())
            {
                TrySend(batch, connection, entry, last, cancellationToken);
            }

            batch.Send();
            publish();
        });
        await TakeAsync(connection, last).ConfigureAwait(false);
        return null;
    }

    /// <summary>Sends what is pending now, step by step.</summary>
    public async Task<ReplayOutcome> SendPendingAsync(IServerConnection connection, CancellationToken cancellationToken)
    {
        var entries = new List<LocalEntry>();
        foreach (var stripe in store.All)
        {
            lock (stripe.Lock)
            {
                entries.AddRange(Pending(stripe));
            }
        }

        var outcome = default(ReplayOutcome);
        for (var at = 0; at < entries.Count;)
        {
            if (cancellationToken.IsCancellationRequested || connection.Closed.IsCompleted)
            {
                // What is sent now has no answer, and would count as perhaps there.
                return outcome.And(new() { Failure = $"{connection.Address} serves no more" });
            }

            List<SentRecord> sent = [];
            var batch = connection.CreateBatch();
            for (var bytes = 0L; at < entries.Count && sent.Count < RecordsPerStep && bytes < BytesPerStep; at++)
            {
                var entry = entries[at];
                lock (entry.Stripe.Lock)
                {
                    if (TrySend(batch, connection, entry, sent, cancellationToken))
                    {
                        bytes += entry.Size;
                    }
                }
            }

            batch.Send();
            outcome = outcome.And(await TakeAsync(connection, sent).ConfigureAwait(false));
            if (outcome.IsRefused || outcome.Failure is not null)
            {
                break;
            }
        }

        return outcome;
    }

    private static IEnumerable<LocalEntry> Pending(LocalStripe stripe)
    {
        if (stripe.Pending == 0)
        {
            yield break;
        }

        for (var entry = stripe.Journal.First; entry is not null; entry = entry.Next)
        {
            if (entry.Standing == Standing.Pending)
            {
                yield return entry;
            }
        }
    }

    private bool TrySend(
        IEntryBatch batch, IServerConnection connection, LocalEntry entry, List<SentRecord> sent, CancellationToken cancellationToken)
    {
        if (entry.IsDetached || entry.Standing != Standing.Pending)
        {
            return false;
        }

        var oldest = store.Clock.NowMicroseconds - (long)store.Limits.ReplayLife.TotalMicroseconds;
        if (entry.Group is { IsRemovalOfAll: false } outlived && outlived.Stamp.UnixMicroseconds < oldest)
        {
            // Invalidations need no atomicity.
            entry.LeaveOperation();
        }

        if (entry.Group is { } group)
        {
            var members = group.Entries.FindAll(static member => member is { IsDetached: false, Standing: not Standing.Standby });
            members.ForEach(member => ReplayCommand.SendUse(batch, member, store, ReplayCommand.IsBroughtWhole(member, store)));
            var written = GroupCommand.Send(batch, group, store, isReplay: true, cancellationToken);
            sent.Add(new(EntryRef.To(entry), group, !group.IsRemovalOfAll, store.Clock.NowMilliseconds, written));
            members.ForEach(member => member.Stripe.Move(member, Standing.Sent, connection));
            return true;
        }

        var stripe = entry.Stripe;
        var isWhole = ReplayCommand.IsBroughtWhole(entry, store);
        var isInvalidated = ReplayCommand.IsInvalidated(entry, isWhole);
        ReplayCommand.SendUse(batch, entry, store, isWhole);
        if (isInvalidated && entry.Page is not null)
        {
            Outlived(entry);
        }

        var reply = ReplayCommand.Send(batch, entry, store, isWhole, out var isGuarded, CallMode.Asynchronous, cancellationToken);
        stripe.Move(entry, Standing.Sent, connection);
        sent.Add(new(EntryRef.To(entry), null, isGuarded, store.Clock.NowMilliseconds, reply) { IsInvalidated = isInvalidated });
        return true;
    }

    /// <summary>Its value was not brought, and is not to be read any more.</summary>
    private void Outlived(LocalEntry entry)
    {
        if (entry is { Kind: LocalKind.Value, Payload: not null })
        {
            entry.Stripe.Shrink(entry);
            metrics.JournalOutlived(shard);
        }
    }

    private async Task<ReplayOutcome> TakeAsync(IServerConnection connection, List<SentRecord> sent)
    {
        var outcome = default(ReplayOutcome);
        foreach (var record in sent)
        {
            Reply reply;
            try
            {
                reply = await record.Reply.ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                reply = Reply.ConnectionLost;
            }

            outcome = outcome.And(Take(connection, record, reply));
        }

        return outcome;
    }

    private ReplayOutcome Take(IServerConnection connection, in SentRecord record, Reply reply)
    {
        switch (reply)
        {
            case { Kind: ReplyKind.Ok or ReplyKind.Nil }:
                if (record.IsInvalidated)
                {
                    // Not before: a master that refuses to write answers reads with what it has, and this one reads its own.
                    lock (record.Entry.Entry!.Stripe.Lock)
                    {
                        if (record.Entry.Current is { } outlived)
                        {
                            Outlived(outlived);
                        }
                    }
                }

                if (record.IsGuarded && reply is { Kind: ReplyKind.Ok, Integer: 0 or -1 })
                {
                    foreach (var superseded in record.Entries)
                    {
                        store.Superseded(superseded, connection, isKept: reply.Integer == 0);
                    }

                    metrics.Replayed(shard, "superseded");
                }
                else if (record.IsGuarded && reply.Integer == EntryScripts.RemovedForLackOfMemory)
                {
                    store.Evicted(record.Entry, isAcknowledged: true);
                    metrics.Evicted(shard);
                }
                else if (reply.Integer == 1 && record.Entry.Entry is { Kind: LocalKind.Eviction })
                {
                    // One step of several: the next one is sent like this one.
                    AnswerAll(record, connection, isAcknowledged: false);
                }
                else
                {
                    AnswerAll(record, connection, isAcknowledged: true);
                    foreach (var stored in record.Entries)
                    {
                        store.Confirm(stored, record.SentAt, isThere: record.IsGuarded);
                    }

                    metrics.Replayed(shard, "applied");
                }

                return default;
            case { Error: ServerErrorCode.Misconf or ServerErrorCode.NoReplicas }:
                AnswerAll(record, connection, isAcknowledged: false);
                return new ReplayOutcome { IsRefused = true };
            case { Error: ServerErrorCode.OutOfMemory }:
                // It stays owed, so nothing older is read. Those behind it may need no memory, or remove what must not be read any more.
                AnswerAll(record, connection, isAcknowledged: false);
                return new ReplayOutcome { IsFull = true };
            case { Kind: ReplyKind.TimedOut or ReplyKind.ConnectionLost }:
            case { Error: ServerErrorCode.ReadOnly or ServerErrorCode.MasterDown or ServerErrorCode.Loading or ServerErrorCode.Busy or ServerErrorCode.NoAuth }:
                if (reply.Kind != ReplyKind.ServerError)
                {
                    store.MayBeThere(record.Entry);
                }

                AnswerAll(record, connection, isAcknowledged: false);
                return new ReplayOutcome { Failure = $"{connection.Address} did not take the journal: {reply.ErrorText ?? reply.Kind.ToString()}" };
            default:
                // Nothing but a change of rights would let it in, and waiting for that would block all that came later.
                foreach (var refused in record.Entries)
                {
                    store.Forget(refused);
                }

                metrics.Replayed(shard, "refused");
                return default;
        }
    }

    private void AnswerAll(in SentRecord record, IServerConnection connection, bool isAcknowledged)
    {
        foreach (var entry in record.Entries)
        {
            store.Answered(entry, connection, isAcknowledged);
        }
    }

    /// <summary>A record on its way to the master.</summary>
    /// <param name="Entry">What it was sent for.</param>
    /// <param name="Group">The operation over several keys that it is part of.</param>
    /// <param name="IsGuarded">Whether its script tells that something later was there.</param>
    /// <param name="SentAt">When, in milliseconds by the shard's clock.</param>
    /// <param name="Reply">The master's.</param>
    private readonly record struct SentRecord(EntryRef Entry, GroupOperation? Group, bool IsGuarded, long SentAt, ValueTask<Reply> Reply)
    {
        /// <summary>Its key was sent without its value.</summary>
        public bool IsInvalidated { get; init; }

        public IEnumerable<EntryRef> Entries => Group is null ? [Entry] : Group.Entries.Select(EntryRef.To);
    }
}

/// <summary>What became of a replay.</summary>
internal readonly record struct ReplayOutcome
{
    /// <summary>The server reads and does not write.</summary>
    public bool IsRefused { get; init; }

    /// <summary>The server had no memory for some of it.</summary>
    public bool IsFull { get; init; }

    /// <summary>The connection or its server is not what it should be.</summary>
    public string? Failure { get; init; }

    public ReplayOutcome And(ReplayOutcome other) =>
        new() { IsRefused = IsRefused || other.IsRefused, IsFull = IsFull || other.IsFull, Failure = Failure ?? other.Failure };
}
