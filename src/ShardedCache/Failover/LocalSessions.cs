using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>
/// Sessions in a shard's local store. What this process knows of one grows by merging, and a record of the journal holds all of it:
/// replaying that through the same merge brings what its master lacks and takes nothing away.
/// </summary>
internal static class LocalSessions
{
    /// <summary>Under the stripe's lock: what is known of the session; null for nothing.</summary>
    public static SessionState? SessionOf(this LocalStore store, LocalEntry? entry) => entry switch
    {
        { Kind: LocalKind.Tombstone or LocalKind.Invalidation } => new SessionState { Cleared = entry.Header.Stamp },
        { IsSession: true, Kind: LocalKind.Value, Payload: { } payload }
            when !entry.HasExpired(store.Clock.NowMilliseconds) && SessionState.TryRead(payload.Span, out var state) => state,
        _ => null,
    };

    /// <summary>What is known of the session before it is read.</summary>
    public static KnownSession KnownOf(this LocalStore store, in StoredKey key)
    {
        var stripe = store.StripeOf(key);
        lock (stripe.Lock)
        {
            var entry = stripe.Find(key.Name);
            return new(EntryRef.To(entry), entry is { Overlays: true } ? store.SessionOf(entry) : null);
        }
    }

    /// <summary>Under the stripe's lock: takes over what a request has changed.</summary>
    /// <param name="store">The shard's.</param>
    /// <param name="stripe">The key's.</param>
    /// <param name="key">The session's.</param>
    /// <param name="known">What the request knew; null where it could not be read.</param>
    /// <param name="changes">What it has changed.</param>
    /// <param name="windowMilliseconds">The session's.</param>
    /// <param name="sentOn">The connection that it will be sent on; null where the journal alone takes it.</param>
    public static SessionWrite WriteSession(
        this LocalStore store,
        LocalStripe stripe,
        in StoredKey key,
        SessionState? known,
        SessionChanges changes,
        long windowMilliseconds,
        IServerConnection? sentOn)
    {
        if (known is { IsByLocalClock: true } && store.Clock.FirstShift is { } shift)
        {
            // As the journal was.
            known = known.Shift(shift);
        }

        var current = stripe.Find(key.Name);
        var local = store.SessionOf(current);
        var journaled = local is not null && IsJournaled(current) ? new JournaledSession(current!, local) : null;

        // Where the journal has given up what the request has read from its master; and a copy that was too old to be shown is no more to be
        // believed for being changed.
        var isOfNoUse = known is null ? !IsJournaled(current)
            : current is { Overlays: false } && IsGivenUp(current.Kind, current.Header.Stamp, known.Newest);
        local = isOfNoUse ? null : local;
        var before = Merge(known, local);
        var change = changes.ToState(known, before?.Newest ?? default, store.Clock, out var stamp);
        var state = Merge(before, change)!;
        var bytes = state.ToBytes();
        var lacksNothing = current is null or { Standing: Standing.Standby }
            || (current.Standing is Standing.Acknowledged or Standing.Sent && ReferenceEquals(current.SentOn, sentOn) && !current.Overlays);
        var header = SessionWrite.HeaderOf(stamp, windowMilliseconds);
        var entry = stripe.Create(key, LocalKind.Value, header, PayloadCopy.Of(bytes));
        (entry.IsSession, entry.IsPartial) = (true, known is null && (local is null || current!.IsPartial));
        store.Write(stripe, entry, sentOn);

        // Its stamp may be ahead of the time.
        var now = store.Clock.NowMilliseconds;
        (entry.ExpiresAt, entry.ConfirmedAt) = (store.ExpiresAt(entry, now), now);
        return lacksNothing
            ? new(EntryRef.To(entry), header, change.ToBytes(), SessionWrite.WholeOf(known, changes, state), journaled)
            : new(EntryRef.To(entry), header, bytes, null, journaled);
    }

    /// <summary>
    /// The master will not have the changes, and their caller learns that, so nothing may bring them later. What the journal had before
    /// was accepted, and stays.
    /// </summary>
    public static void SessionRefused(this LocalStore store, in SessionWrite write)
    {
        var stripe = write.Entry.Entry!.Stripe;
        lock (stripe.Lock)
        {
            if (write.Entry.Current is { } entry)
            {
                if (write.Before is { } before)
                {
                    before.PutBack(stripe, entry.Key);
                }
                else
                {
                    stripe.Forget(entry);
                }
            }
        }

        store.Added();
    }

    /// <summary>The master has taken the changes, and has made them later by this many microseconds.</summary>
    public static void SessionAnswered(
        this LocalStore store, in StoredKey key, EntryRef written, IServerConnection sentOn, Stamp sent, long raisedBy)
    {
        if (raisedBy > 0)
        {
            var stripe = store.StripeOf(key);
            lock (stripe.Lock)
            {
                // Also where a later request of this process has added its own.
                var raised = sent.Plus(raisedBy);
                if (stripe.Find(key.Name) is { IsSession: true, Kind: LocalKind.Value } current)
                {
                    current.RaiseSession(sent, raised);
                    stripe.Tell(current);
                }

                store.Clock.Observe(raised);
            }
        }

        store.Answered(written, sentOn, isAcknowledged: true);
    }

    /// <summary>
    /// No master has said that it took the changes. What came after them, and was perhaps acknowledged, is sent again with them.
    /// </summary>
    public static void SessionUnanswered(this LocalStore store, in StoredKey key, EntryRef written, IServerConnection sentOn)
    {
        store.Answered(written, sentOn, isAcknowledged: false);
        var stripe = store.StripeOf(key);
        lock (stripe.Lock)
        {
            if (written.Current is null && stripe.Find(key.Name) is { IsSession: true, Kind: LocalKind.Value, Payload: not null, Standing: not Standing.Pending } later)
            {
                later.IsTouchOnly = false;
                stripe.Move(later, Standing.Pending, null);
            }
        }

        store.Added();
    }

    /// <summary>Takes over what a master has answered to a read.</summary>
    /// <param name="store">The shard's.</param>
    /// <param name="key">The session's.</param>
    /// <param name="known">What was known of it before the read was sent.</param>
    /// <param name="header">Of the entry read.</param>
    /// <param name="read">The session in it.</param>
    /// <param name="length">Of its payload.</param>
    /// <param name="connection">On which it was read.</param>
    /// <returns>The session, with what that master lacks of this process's changes.</returns>
    public static SessionState ObserveSession(
        this LocalStore store, in StoredKey key, in KnownSession known, in EntryHeader header, SessionState read, int length, IServerConnection connection)
    {
        var stripe = store.StripeOf(key);
        lock (stripe.Lock)
        {
            var now = store.Clock.NowMilliseconds;
            var horizon = SessionState.Horizon(
                store.Clock.NowMicroseconds, SessionState.KeptMilliseconds(header.SlidingMilliseconds, store.Limits.TombstoneLife));
            var current = stripe.Find(key.Name);
            var local = store.SessionOf(current);

            // What was owed when the read was sent may have been brought behind it; what is owed now holds that, too.
            if ((current is { Overlays: true } ? local : known.Owed) is { } owed)
            {
                read = SessionState.Merge(read, owed, horizon);
            }

            var isAsBefore = ReferenceEquals(current, known.Entry.Current);
            var isSettled = current is null or { Kind: LocalKind.Refresh } or { Standing: Standing.Standby }
                || local is null
                || (current.Standing == Standing.Acknowledged && ReferenceEquals(current.SentOn, connection) && isAsBefore);

            // The read was sent before what this process has changed since, and was answered after it: the replicas may not have that yet.
            var isOvertaken = local is not null && !isAsBefore && header.Stamp < current!.Header.Stamp;
            var isOnlyRemoved = current is { Kind: LocalKind.Tombstone or LocalKind.Invalidation } && !(isSettled && header.Stamp >= current.Header.Stamp);
            if (isOvertaken || isOnlyRemoved || current is { Standing: Standing.Sent })
            {
                return read;
            }

            if (isSettled && length > store.Limits.MaxStandbyPayload)
            {
                if (current is { Standing: Standing.Standby })
                {
                    stripe.Forget(current);
                }

                return read;
            }

            var state = isSettled ? read : SessionState.Merge(read, local!, horizon);
            var bytes = state.ToBytes();
            if (current is { IsSession: true, IsPartial: false, Payload: { } payload } && payload.Span.SequenceEqual(bytes))
            {
                (current.ConfirmedAt, current.WasUsed, current.ExpiresAt) = (now, true, store.ExpiresAt(current, now));
                return read;
            }

            var later = !isSettled && current!.Header.Stamp > header.Stamp ? current.Header : header;
            var entry = stripe.Create(key, LocalKind.Value, later, PayloadCopy.Of(bytes));
            (entry.IsSession, entry.WasRead) = (true, !IsJournaled(current) || current!.WasRead);
            (entry.ConfirmedAt, entry.ExpiresAt) = (now, store.ExpiresAt(entry, now));
            if (isSettled)
            {
                stripe.Put(entry, Standing.Acknowledged, connection);
            }
            else
            {
                // What only another master has said has yet to be brought to the one that has acknowledged the rest.
                var isOfAnother = !ReferenceEquals(current!.SentOn, connection);
                entry.TouchedAt = current.TouchedAt;
                stripe.Put(entry, isOfAnother ? Standing.Pending : current.Standing, isOfAnother ? null : current.SentOn);
            }
        }

        store.Added();
        return read;
    }

    /// <summary>The master has no such session.</summary>
    /// <returns>What this process has changed and that master lacks; null for nothing.</returns>
    public static SessionState? ObserveNoSession(this LocalStore store, in StoredKey key, in KnownSession known, IServerConnection connection)
    {
        // What was owed then may have been on its way behind the read, which says nothing of it.
        if (known.Owed is null && known.Entry.Entry is not null)
        {
            store.ObserveMissing(known.Entry, connection);
        }

        // It may have been brought behind the read.
        var owed = known.Owed;
        var stripe = store.StripeOf(key);
        lock (stripe.Lock)
        {
            var current = stripe.Find(key.Name);
            var local = store.SessionOf(current);
            if (local is not null && current is { Overlays: true })
            {
                current.IsPartial = false;
                owed = local;
            }

            if (owed is not null && local is not null && current is { IsSession: true, Kind: LocalKind.Value })
            {
                // No touch goes out behind this read, and what brings the session, or has just brought it, does not know of this use.
                store.Touch(stripe, current, null);
            }
        }

        store.Added();
        return owed;
    }

    /// <summary>Keeps what was read while no master answered, and the use of it, for the next one.</summary>
    public static void KeepSession(this LocalStore store, in StoredKey key, in EntryHeader header, SessionState state)
    {
        var stripe = store.StripeOf(key);
        lock (stripe.Lock)
        {
            // A copy is in the state already, where it is not too old for that.
            var current = stripe.Find(key.Name);
            var isJournaled = IsJournaled(current);
            if (isJournaled && !IsGivenUp(current!.Kind, current.Header.Stamp, header.Stamp) && store.SessionOf(current) is { } local)
            {
                state = SessionState.Merge(state, local);
            }

            var bytes = state.ToBytes();
            if (current is { IsSession: true, Kind: LocalKind.Value, IsPartial: false, Payload: { } payload } && payload.Span.SequenceEqual(bytes))
            {
                store.Touch(stripe, current, null);
            }
            else
            {
                var later = isJournaled && current is { IsSession: true, Kind: LocalKind.Value } && current.Header.Stamp > header.Stamp ? current.Header : header;
                later = state.Newest > later.Stamp ? later with { Stamp = state.Newest } : later;
                var entry = stripe.Create(key, LocalKind.Value, later, PayloadCopy.Of(bytes));
                (entry.IsSession, entry.WasRead) = (true, !isJournaled || current!.WasRead);
                store.Write(stripe, entry, null);
                store.Touch(stripe, entry, null);
                entry.ConfirmedAt = store.Clock.NowMilliseconds;
            }
        }

        store.Added();
    }

    /// <summary>Forgets what is known of a session, but for what the journal has: of one that was used in between, the use.</summary>
    public static void ForgetCopy(this LocalStore store, in StoredKey key)
    {
        var stripe = store.StripeOf(key);
        lock (stripe.Lock)
        {
            if (stripe.Find(key.Name) is { } copy && !IsJournaled(copy))
            {
                var usedAt = copy.TouchedAt;
                stripe.Forget(copy);
                if (usedAt > 0)
                {
                    // The next master may have it all the same.
                    store.Refresh(stripe, key, null).TouchedAt = usedAt;
                }
            }
        }

        store.Added();
    }

    /// <summary>
    /// Whether a record whose payload was given up says nothing of a server's session: that is as late or later, and has what was written.
    /// </summary>
    public static bool IsGivenUp(LocalKind kind, Stamp record, Stamp session) => kind == LocalKind.Invalidation && session >= record;

    private static bool IsJournaled(LocalEntry? entry) => entry is { Standing: not Standing.Standby, IsTouchOnly: false };

    private static SessionState? Merge(SessionState? left, SessionState? right) =>
        left is null ? right : right is null ? left : SessionState.Merge(left, right);
}

/// <param name="Entry">The record, as it was before the session was read.</param>
/// <param name="Owed">What no master was known to have then; null for nothing.</param>
internal readonly record struct KnownSession(EntryRef Entry, SessionState? Owed);
