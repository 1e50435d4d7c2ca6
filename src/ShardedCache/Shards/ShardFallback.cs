using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>
/// Answers reads while the shard's master does not: from the journal first, then from the later of replica and copy, else with a
/// miss. What this process wrote or read and cannot prove replicated is thus never hidden by something older.
/// </summary>
internal sealed class ShardFallback(Shard shard, ShardContext context)
{
    // A copy that is read often would come into the processor's cache once more for each read, to say what it says already.
    private readonly long _confirmsEvery = (long)Math.Min(context.MaxStaleness.TotalMilliseconds / 64, 1000);

    private readonly ShardJudge _judge = new(shard, context);
    private readonly LocalStore _store = shard.Store;

    /// <summary>Begins to look the key up.</summary>
    /// <returns>Its name's hash, for <see cref="TryBegin"/>.</returns>
    public int Prefetch(in StoredKey key) => context.FailoverMode == FailoverMode.Throw ? 0 : _store.Lookup.Prefetch(key);

    /// <summary>
    /// Looks the key up before its server is asked. False where the server need not be asked, because it does not have yet what this
    /// process wrote; <paramref name="isFound"/> is then the answer.
    /// </summary>
    public bool TryBegin(in StoredKey key, int hash, EntryReader reader, out bool isFound)
    {
        isFound = false;
        if (!shard.HasFallback)
        {
            return true;
        }

        var maxKept = context.IsJournaling ? _store.Limits.MaxStandbyPayload : -1;
        if (_store.Lookup.TryLook(key, hash, out var known))
        {
            reader.Keep(known.Stamp, known.ConfirmedAt, maxKept);
            return true;
        }

        var stripe = _store.StripeOf(key);
        byte[]? value;
        lock (stripe.Lock)
        {
            var entry = stripe.Find(key.Name);
            var overlays = entry is { Overlays: true } && !IsKeptByServer(entry);
            var isRemoved = !overlays
                && GroupKeys.RemovalAfter(stripe, key.Name, entry?.Header.Stamp ?? default) is { Overlays: true }
                && (entry is null || GroupKeys.IsRemoved(stripe, entry));
            if (!overlays && !isRemoved)
            {
                reader.Keep(entry?.Header.Stamp ?? default, entry?.ConfirmedAt ?? 0, maxKept);
                return true;
            }

            value = isRemoved ? null : Value(stripe, entry);
        }

        isFound = Answer(reader, value, "journal");
        return false;
    }

    /// <summary>Takes over what the master has said of the key.</summary>
    public void Learn(IServerConnection connection, in StoredKey key, EntryReader reader, OperationTime time)
    {
        if (!context.IsJournaling || reader.Outcome == EntryOutcome.Replaced || reader.SaysAgain(_confirmsEvery) || (reader.Outcome is EntryOutcome.None or EntryOutcome.Foreign && reader.Known == default))
        {
            return;
        }

        // The answer may have waited for this process, which can have been stopped.
        var askedAt = shard.Clock.MillisecondsAt(time.Began);
        var isEntry = reader.Outcome is EntryOutcome.Value or EntryOutcome.Tombstone or EntryOutcome.Expired;
        EntryRef known;
        var stripe = _store.StripeOf(key);
        lock (stripe.Lock)
        {
            var entry = stripe.Find(key.Name);
            if (isEntry && entry is { Kind: not LocalKind.Refresh } && entry.Header.Stamp == reader.Header.Stamp)
            {
                // What another master says does not tell what this one had when the entry yielded there.
                entry.HasYielded &= entry.Standing != Standing.Standby && !ReferenceEquals(entry.SentOn, connection);
                entry.WasUsed = true;
                stripe.Confirm(entry, askedAt);
                return;
            }

            // Each version has a stamp of its own, but for what is invalidated because its server had no memory for it.
            known = entry is { Kind: not LocalKind.Invalidation } && entry.Header.Stamp == reader.Known ? EntryRef.To(entry) : default;
        }

        if (isEntry)
        {
            var isKept = reader.TryGetKept(out var payload) && reader.Outcome == EntryOutcome.Value;
            _store.Observe(key, known, reader.Header, isKept ? PayloadCopy.Of(payload) : null, connection, askedAt);
        }
        else if (known.Entry is not null)
        {
            _store.ObserveMissing(known, connection);
        }
    }

    /// <summary>Waits, where nothing in the journal answers for the key, until it is known whether a replica can be read. Whether it waited.</summary>
    public async ValueTask<bool> WaitForReplicaAsync(StoredKey key, OperationTime time, CallMode mode, CancellationToken cancellationToken)
    {
        if (!shard.ReplicaSearch.IsRunning)
        {
            return false;
        }

        var stripe = _store.StripeOf(key);
        lock (stripe.Lock)
        {
            if (IsJournal(stripe.Find(key.Name)))
            {
                return false;
            }
        }

        await time.WaitAsync(shard.ReplicaSearch, mode, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <param name="key">The key to read.</param>
    /// <param name="reader">Begun; what it holds of another answer is dropped.</param>
    /// <param name="time">When it began.</param>
    /// <param name="isLast">It is answered now, whatever becomes of the replica.</param>
    /// <param name="mode">How the caller waits.</param>
    /// <param name="cancellationToken">Abandons the wait.</param>
    public async ValueTask<FallbackAnswer> ReadAsync(
        StoredKey key, EntryReader reader, OperationTime time, bool isLast, CallMode mode, CancellationToken cancellationToken)
    {
        if (!reader.TryRestart())
        {
            return FallbackAnswer.Impossible;
        }

        if (context.FailoverMode == FailoverMode.Bypass)
        {
            return Tell(reader, null, "miss");
        }

        var stripe = _store.StripeOf(key);
        byte[]? value;
        bool isJournal;
        Stamp? known;
        long confirmedAt;
        bool isUnproven;
        lock (stripe.Lock)
        {
            var local = stripe.Find(key.Name);
            isJournal = IsJournal(local);
            value = isJournal ? Value(stripe, local) : Copy(stripe, local);
            known = local is { Kind: not LocalKind.Refresh } ? local.Header.Stamp : null;
            confirmedAt = local?.ConfirmedAt ?? 0;
            isUnproven = local is { HasYielded: true, Standing: not Standing.Standby };
        }

        if (isJournal)
        {
            _store.Added();
            return Tell(reader, value, "journal");
        }

        if (shard.Replica is { } replica)
        {
            var fromReplica = context.Readers.Rent();
            fromReplica.Begin(shard.Clock);
            var reply = await time.AskAsync(replica, key, fromReplica, mode, cancellationToken).ConfigureAwait(false);
            if (_judge.JudgeReplica(replica, reply))
            {
                if (IsLater(fromReplica, known))
                {
                    if (IsRemoved(stripe, key, fromReplica.Header.Stamp))
                    {
                        context.Readers.Return(fromReplica);
                        return Tell(reader, null, "journal");
                    }

                    var found = fromReplica.Outcome == EntryOutcome.Value ? fromReplica.ToArray() : null;
                    shard.Clock.Observe(fromReplica.Header.Stamp);
                    Remember(replica, key, fromReplica.Header, found);
                    context.Readers.Return(fromReplica);
                    return Tell(reader, found, found is null ? "miss" : "replica");
                }

                context.Readers.Return(fromReplica);
            }
            else if (reply is { Kind: ReplyKind.ConnectionLost } && !isLast)
            {
                return FallbackAnswer.ReplicaLost;
            }
        }

        if (value is null || !(isUnproven || shard.Clock.NowMilliseconds - confirmedAt <= context.MaxStaleness.TotalMilliseconds))
        {
            return Tell(reader, null, "miss");
        }

        lock (stripe.Lock)
        {
            if (stripe.Find(key.Name) is { Kind: LocalKind.Value } served && served.Header.Stamp == known)
            {
                Use(stripe, served);
            }
        }

        _store.Added();
        return Tell(reader, value, "copy");
    }

    /// <summary>Whether what is known here goes before whatever a replica could say.</summary>
    private static bool IsJournal(LocalEntry? local) => local is not null
        && local.Standing != Standing.Standby
        && local is { IsTouchOnly: false, HasYielded: false, Kind: not LocalKind.Refresh }
        && !IsKeptByServer(local);

    /// <summary>It was read, and is too large to be kept here.</summary>
    private static bool IsKeptByServer(LocalEntry local) => local is { Kind: LocalKind.Value, Payload: null };

    /// <summary>Whether this process has removed the whole group of the key after what a server has under it.</summary>
    private static bool IsRemoved(LocalStripe stripe, in StoredKey key, Stamp stamp)
    {
        lock (stripe.Lock)
        {
            return GroupKeys.RemovalAfter(stripe, key.Name, stamp) is not null;
        }
    }

    private static bool IsLater(EntryReader read, Stamp? known) => read.Outcome is EntryOutcome.Value or EntryOutcome.Tombstone or EntryOutcome.Expired
        && (known is null || read.Header.Stamp >= known);

    private FallbackAnswer Tell(EntryReader reader, byte[]? value, string source) =>
        Answer(reader, value, source) ? FallbackAnswer.Found : FallbackAnswer.Miss;

    private bool Answer(EntryReader reader, byte[]? value, string source)
    {
        context.Metrics.Read(shard.Name, value is not null);
        context.Metrics.FallbackRead(shard.Name, source);
        if (value is null)
        {
            return false;
        }

        reader.SupplyWhole(value);
        return true;
    }

    /// <summary>Under the stripe's lock. Also counts as the use that a sliding expiration is prolonged by.</summary>
    private byte[]? Value(LocalStripe stripe, LocalEntry? entry)
    {
        var value = Copy(stripe, entry);
        if (value is not null)
        {
            Use(stripe, entry!);
        }

        return value;
    }

    private byte[]? Copy(LocalStripe stripe, LocalEntry? entry) =>
        entry is { Kind: LocalKind.Value, Payload: { } payload } && !entry.HasExpired(shard.Clock.NowMilliseconds) && !GroupKeys.IsRemoved(stripe, entry)
            ? payload.Span.ToArray()
            : null;

    private void Use(LocalStripe stripe, LocalEntry entry)
    {
        entry.WasUsed = true;
        if (entry.Header.IsSliding && entry is not { HasYielded: true, Standing: Standing.Standby })
        {
            // Where what it yielded to was everywhere, its use is not to bring it back.
            _store.Touch(stripe, entry, null);
        }
    }

    /// <summary>
    /// Keeps what the replica said: nothing older may be read from now on, whoever is asked, and another replica may be promoted that
    /// does not have it yet.
    /// </summary>
    private void Remember(IServerConnection replica, in StoredKey key, in EntryHeader header, byte[]? value)
    {
        var isKept = value is not null && value.Length <= _store.Limits.MaxStandbyPayload;
        var kind = header.IsTombstone ? LocalKind.Tombstone : LocalKind.Value;
        var stripe = _store.StripeOf(key);
        lock (stripe.Lock)
        {
            var current = stripe.Find(key.Name);
            if (current is null or { Kind: LocalKind.Refresh } || current.Header.Stamp < header.Stamp)
            {
                var entry = stripe.Create(key, kind, header, isKept ? PayloadCopy.Of(value) : null);
                (entry.WasRead, entry.Membership) = (true, Membership.Unknown);
                _store.Write(stripe, entry, replica);
                stripe.Move(entry, Standing.Acknowledged, replica);
                _store.Touch(stripe, entry, null);

                // What the replica has not heard of by then it may lack: and it may have been cut off with this process.
                var unheard = shard.IsDown ? context.Time.GetUtcNow() - shard.Snapshot.UpOrNotSince : TimeSpan.Zero;
                entry.ConfirmedAt = shard.Clock.NowMilliseconds - (long)((shard.ReplicaLag ?? context.MaxStaleness) + unheard).TotalMilliseconds;
                stripe.Tell(entry);
            }
            else if (value is not null && current.Kind == LocalKind.Value && current.Header.Stamp == header.Stamp)
            {
                // It has lived there by another process's use; the next master is to be told of this one.
                Use(stripe, current);
            }
        }

        _store.Added();
    }
}

/// <summary>What is answered without the master.</summary>
internal enum FallbackAnswer : byte
{
    Miss,
    Found,

    /// <summary>Nothing yet: the replica has closed its connection, and is sought anew.</summary>
    ReplicaLost,

    /// <summary>The reader cannot take a value any more.</summary>
    Impossible,
}
