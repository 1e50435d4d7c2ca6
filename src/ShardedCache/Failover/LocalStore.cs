using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>
/// What this process itself knows of one shard's entries, by key: the journal of what is not yet proven to be replicated, and
/// copies of the rest. One place for both, because the one becomes the other without being copied.
/// </summary>
internal sealed class LocalStore
{
    private const int Stripes = 16;

    private readonly LocalStripe[] _stripes;
    private readonly JournalBudget _budget;
    private TaskCompletionSource? _idle;
    private bool _isWriteRefused;
    private bool _isFull;

    public LocalStore(string shard, LocalStoreLimits limits, JournalBudget budget, StampClock clock, ShardedCacheMetrics metrics)
    {
        (Shard, Metrics) = (shard, metrics);
        Limits = limits;
        _budget = budget;
        Clock = clock;
        _stripes = [.. Enumerable.Range(0, Stripes).Select(_ => new LocalStripe(budget, clock, limits.StandbyBytes / Stripes, limits.MaxStandbyPayload))];
        Lookup = new(_stripes);
        budget.Register(this);
    }

    public string Shard { get; }

    public ShardedCacheMetrics Metrics { get; }

    public LocalStoreLimits Limits { get; }

    public StampClock Clock { get; }

    /// <summary>Whether the master reads and does not write: it said so last.</summary>
    public bool IsWriteRefused
    {
        get => Volatile.Read(ref _isWriteRefused);
        set => Change(ref _isWriteRefused, value);
    }

    /// <summary>Whether the master has no memory for what is written: it said so last.</summary>
    public bool IsFull
    {
        get => Volatile.Read(ref _isFull);
        set => Change(ref _isFull, value);
    }

    public IReadOnlyList<LocalStripe> All => _stripes;

    /// <summary>What is looked up without a stripe's lock.</summary>
    public LocalLookup Lookup { get; }

    public long JournalBytes => _stripes.Sum(static stripe => stripe.Journal.Size);

    public int JournalCount => _stripes.Sum(static stripe => stripe.Journal.Count);

    public int Pending => _stripes.Sum(static stripe => stripe.Pending);

    /// <summary>Writes and removals that no master has acknowledged.</summary>
    public int Undelivered => _stripes.Sum(static stripe => stripe.Undelivered);

    public long StandbyBytes => _stripes.Sum(static stripe => stripe.StandbySize);

    public LocalStripe StripeOf(in StoredKey key) => _stripes[IndexOf(key)];

    public static int IndexOf(in StoredKey key) => (int)(key.TagHash % Stripes);

    public LocalEntry? Find(in StoredKey key)
    {
        var stripe = StripeOf(key);
        lock (stripe.Lock)
        {
            return stripe.Find(key.Name);
        }
    }

    /// <summary>Under the stripe's lock: takes over a write of this process. <see cref="Added"/> is to follow without the lock.</summary>
    public void Write(LocalStripe stripe, LocalEntry entry, IServerConnection? sentOn)
    {
        Time(entry);
        stripe.Put(entry, sentOn is null ? Standing.Pending : Standing.Sent, sentOn);
    }

    /// <summary>The same for a plain value, or with a tombstone's header its removal; <see cref="LocalStripe.Seek"/> came before.</summary>
    public LocalEntry Write(
        LocalStripe stripe, LocalEntry? sought, in StoredKey key, in EntryHeader header, in PayloadSource payload, IServerConnection? sentOn)
    {
        var entry = stripe.Write(sought, key, header, payload, sentOn is null ? Standing.Pending : Standing.Sent, sentOn);
        Time(entry);
        stripe.Tell(entry);
        return entry;
    }

    /// <summary>Keeps the journal within its bound, and wakes who proves it.</summary>
    public void Added()
    {
        _budget.Trim();
        if (Volatile.Read(ref _idle) is not null)
        {
            Interlocked.Exchange(ref _idle, null)?.TrySetResult();
        }
    }

    /// <summary>Completes when there is something in the journal.</summary>
    public Task WaitForWorkAsync()
    {
        var idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _idle, idle);
        Interlocked.MemoryBarrier();
        if (JournalCount > 0)
        {
            idle.TrySetResult();
        }

        return idle.Task;
    }

    /// <summary>The master's answer to what was sent on this connection.</summary>
    public void Answered(EntryRef written, IServerConnection sentOn, bool isAcknowledged)
    {
        if (isAcknowledged && written.Unlocked is { } unlocked && (unlocked.Serving is not { } serving || ReferenceEquals(serving, sentOn)))
        {
            // The rule, and it must not wait for who holds the stripe while he sends. Where another version has replaced it, or a replay
            // has taken it over, this changes nothing.
            if (written.Entry!.TryAcknowledge(written.Version, (int)unlocked.OpenRound) || !written.Entry.IsTouchOwed)
            {
                return;
            }
        }

        var stripe = written.Entry!.Stripe;
        lock (stripe.Lock)
        {
            if (written.Current is { } entry && stripe.Settle(entry).Standing == Standing.Sent && ReferenceEquals(entry.SentOn, sentOn))
            {
                if (isAcknowledged && entry.Page is { } page)
                {
                    page.WasAcknowledged = true;
                }

                // A use while it was on its way came too late for the life that it was sent with.
                stripe.Move(entry, isAcknowledged && !entry.IsTouchOwed ? Standing.Acknowledged : Standing.Pending, sentOn);
                entry.HasYielded &= !isAcknowledged;
            }
        }
    }

    /// <summary>The master had no room for the value and removed the key, or has yet to.</summary>
    public void Evicted(EntryRef written, bool isAcknowledged)
    {
        var stripe = written.Entry!.Stripe;
        lock (stripe.Lock)
        {
            if (written.Current is { } entry)
            {
                var sentOn = entry.SentOn;
                stripe.Put(
                    Removal(stripe, entry.Key, LocalKind.Invalidation, entry.Header.Stamp),
                    isAcknowledged ? Standing.Acknowledged : Standing.Pending,
                    sentOn);
            }
        }
    }

    /// <summary>The master has taken what was replayed.</summary>
    /// <param name="replayed">What was.</param>
    /// <param name="askedAt">When, in milliseconds by the shard's clock.</param>
    /// <param name="isThere">Whether the master has said that it has it now.</param>
    public void Confirm(EntryRef replayed, long askedAt, bool isThere)
    {
        var stripe = replayed.Entry!.Stripe;
        lock (stripe.Lock)
        {
            if (replayed.Current is { } entry)
            {
                // What is owed no more lets reads go on without the lock.
                stripe.Settle(entry);
                if (entry.TouchedAt <= askedAt)
                {
                    entry.Held.Clear();
                }

                entry.HasYielded &= !isThere;

                // A session was merged into what is there, which may be more.
                if (isThere && !entry.IsSession)
                {
                    stripe.Confirm(entry, askedAt);
                }
            }
        }
    }

    /// <summary>The master may have what was sent: then another instance may see a page there, and evict it.</summary>
    public void MayBeThere(EntryRef sent)
    {
        lock (sent.Entry!.Stripe.Lock)
        {
            if (sent.Current?.Page is { } page)
            {
                page.WasAcknowledged = true;
            }
        }
    }

    /// <summary>A later version was found on the master when this one was replayed.</summary>
    /// <param name="replayed">What was replayed.</param>
    /// <param name="connection">On which it was.</param>
    /// <param name="isKept">Where what is later is no version of it, but a removal of more than this, nothing tells of that under its key.</param>
    public void Superseded(EntryRef replayed, IServerConnection connection, bool isKept = true)
    {
        var stripe = replayed.Entry!.Stripe;
        lock (stripe.Lock)
        {
            if (replayed.Current is { } entry && ReferenceEquals(entry.SentOn, connection))
            {
                if (isKept && entry.Page is null)
                {
                    // A refresh that came meanwhile is one of whatever its master has; and what is known here is not to hide that.
                    var isRefreshOwed = entry is { IsRefreshed: true, IsTouchOwed: true };
                    stripe.Move(entry, isRefreshOwed ? Standing.Pending : Standing.Acknowledged, connection);
                    entry.IsOwed = false;
                }
                else
                {
                    // Perhaps a tag of it was evicted by another instance: then it must be neither served nor brought back.
                    entry = Removal(stripe, entry.Key, LocalKind.Invalidation, entry.Header.Stamp);
                    stripe.Put(entry, Standing.Acknowledged, connection);
                }

                // What is later is not proven to be anywhere else: should the master fail again, its successor may have only what is
                // older than both.
                entry.HasYielded = true;
                entry.Held.Clear();
            }
        }
    }

    public void Forget(EntryRef written)
    {
        var stripe = written.Entry!.Stripe;
        lock (stripe.Lock)
        {
            if (written.Current is { } entry)
            {
                stripe.Forget(entry);
            }
        }
    }

    /// <summary>
    /// Takes over what the master has answered to a read, unless this process has written the key since: its replicas may not
    /// have it yet.
    /// </summary>
    /// <param name="key">The key that was read.</param>
    /// <param name="known">What was known of it before the read was sent.</param>
    /// <param name="header">Of the entry read.</param>
    /// <param name="payload">Null where it is too large, or a tombstone.</param>
    /// <param name="connection">On which it was read.</param>
    /// <param name="askedAt">When, in milliseconds by the shard's clock: an answer may have waited for a process that stood still.</param>
    public void Observe(in StoredKey key, EntryRef known, in EntryHeader header, PayloadCopy? payload, IServerConnection connection, long askedAt)
    {
        var stripe = StripeOf(key);
        lock (stripe.Lock)
        {
            var current = stripe.Find(key.Name);
            var replaces = current is null
                || current.Header.Stamp < header.Stamp
                || current.Kind == LocalKind.Refresh
                || (ReferenceEquals(current, known.Current) && IsSettled(current, connection));
            if (replaces && !(current is { Kind: LocalKind.Value, Payload: not null } && current.Header.Stamp == header.Stamp))
            {
                var entry = stripe.Create(key, header.IsTombstone ? LocalKind.Tombstone : LocalKind.Value, header, payload);
                (entry.WasRead, entry.Membership) = (true, Membership.Unknown);
                (entry.ExpiresAt, entry.ConfirmedAt) = (ExpiresAt(entry, askedAt), askedAt);
                stripe.Put(entry, Standing.Acknowledged, connection);
            }
            else
            {
                payload?.Return();
            }
        }

        Added();
    }

    /// <summary>The master has no such key: it has expired there, or was evicted or flushed.</summary>
    public void ObserveMissing(EntryRef known, IServerConnection connection)
    {
        var stripe = known.Entry!.Stripe;
        lock (stripe.Lock)
        {
            if (known.Current is not { } entry || !IsSettled(entry, connection))
            {
                return;
            }

            if (entry is { Kind: LocalKind.Value, Page: null, IsSession: false })
            {
                // Another client may yet bring back what it had replaced; or itself, which is later than this.
                var (standing, sentOn) = (entry.Standing, entry.SentOn);
                var removal = Removal(stripe, entry.Key, LocalKind.Tombstone, entry.Header.Stamp.Before());
                removal.WasRead = true;
                stripe.Put(removal, standing, sentOn);
            }
            else if (entry.Kind != LocalKind.Tombstone)
            {
                stripe.Forget(entry);
            }
        }
    }

    public LocalEntry Removal(LocalStripe stripe, in StoredKey key, LocalKind kind, Stamp stamp)
    {
        var entry = stripe.Create(key, kind, EntryHeader.Tombstone(stamp), null);
        entry.ConfirmedAt = Clock.NowMilliseconds;
        entry.ExpiresAt = entry.ConfirmedAt + (long)Limits.TombstoneLife.TotalMilliseconds;
        return entry;
    }

    /// <summary>Whether another client may have removed it since its master last had it, and nothing there tells of that any more.</summary>
    public bool MayBeRemoved(LocalEntry entry) => Clock.NowMilliseconds - entry.ConfirmedAt > Limits.ReplayLife.TotalMilliseconds;

    /// <summary>Holds every stripe, so that nothing is sent and nothing is added meanwhile.</summary>
    public void WithAllLocked(Action action)
    {
        foreach (var stripe in _stripes)
        {
            stripe.Lock.Enter();
        }

        try
        {
            action();
        }
        finally
        {
            foreach (var stripe in _stripes)
            {
                stripe.Lock.Exit();
            }
        }
    }

    /// <summary>As its master has it: a use that its master need not be told of leaves this as it is, too.</summary>
    public long ExpiresAt(LocalEntry entry, long now)
    {
        var header = entry.Header;
        return entry.Kind != LocalKind.Value ? now + (long)Limits.TombstoneLife.TotalMilliseconds
            : header.IsSliding ? now + TouchPolicy.TimeToLive(header, now)
            : header.IsAbsolute ? header.AbsoluteMilliseconds
            : long.MaxValue;
    }

    /// <summary>Each write sets what hardly ever changes: it is not to be fetched from another processor's cache for that.</summary>
    private static void Change(ref bool flag, bool value)
    {
        if (Volatile.Read(ref flag) != value)
        {
            Volatile.Write(ref flag, value);
        }
    }

    private static bool IsSettled(LocalEntry entry, IServerConnection connection) =>
        entry.Standing == Standing.Standby || (entry.Standing == Standing.Acknowledged && ReferenceEquals(entry.SentOn, connection));

    private void Time(LocalEntry entry)
    {
        // A stamp is the time; reading the clock once more would cost as much as all the rest.
        var now = entry.Header.Stamp.UnixMicroseconds / 1000;
        entry.ExpiresAt = ExpiresAt(entry, now);
        entry.ConfirmedAt = now;
    }
}
