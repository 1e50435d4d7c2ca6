using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>
/// A part of a shard's local store: the keys of some hash tags, so that the keys of a group are together. Every member but
/// <see cref="Lock"/> and <see cref="Seek"/> is for who holds that lock; <see cref="LocalLookup"/> and answers look at <see cref="Table"/> and
/// <see cref="Answers"/> without it.
/// </summary>
internal sealed class LocalStripe(JournalBudget budget, StampClock clock, long standbyLimit, int maxStandbyPayload)
{
    /// <summary>More than a tenth of a second replaces, at the usual rates.</summary>
    private const int MaxFree = 512;

    private readonly Stack<LocalEntry> _free = new();

    private readonly EvictionQueue _eviction = new();
    private long _uncounted;

    /// <summary>Also held while a command is sent, so that the order of a key's stamps is the order of its commands.</summary>
    public Lock Lock { get; } = new();

    public LocalTable Table { get; } = new();

    /// <summary>The journal, oldest first.</summary>
    public EntryList Journal { get; } = new();

    public long StandbySize { get; private set; }

    public StripeAnswers Answers { get; } = new();

    /// <summary>How many entries are pending.</summary>
    public int Pending { get; private set; }

    /// <summary>How many removals of whole groups are known: hardly ever any, and then no read need look for one.</summary>
    public int GroupRemovals { get; private set; }

    /// <summary>How many evictions of tags are known.</summary>
    public int Evictions { get; private set; }

    /// <summary>How many writes and removals no master has acknowledged. What was only read, a server has.</summary>
    public int Undelivered
    {
        get
        {
            lock (Lock)
            {
                var count = 0;
                for (var entry = Journal.First; entry is not null; entry = entry.Next)
                {
                    count += Settle(entry) is { Standing: Standing.Pending or Standing.Sent, IsTouchOnly: false, WasRead: false, Kind: not LocalKind.Refresh } ? 1 : 0;
                }

                return count;
            }
        }
    }

    public LocalEntry? Find(string key) => Table.Find(key) is { } entry ? Settle(entry) : null;

    /// <summary>Takes over an answer that came without the lock. Whatever reads how an entry stands settles it first.</summary>
    public LocalEntry Settle(LocalEntry entry)
    {
        if (entry.Standing == Standing.Sent && entry.AnsweredIn is > 0 and var round)
        {
            (entry.Standing, entry.Round, entry.IsOwed, entry.HasYielded) = (Standing.Acknowledged, round, false, false);
        }

        return entry;
    }

    /// <summary>An entry that is to be put into this stripe.</summary>
    public LocalEntry Create(in StoredKey key, LocalKind kind, in EntryHeader header, PayloadCopy? payload)
    {
        if (!_free.TryPop(out var entry))
        {
            entry = new LocalEntry(this);
        }

        entry.Begin(key, kind, header, payload);
        return entry;
    }

    /// <summary>
    /// What a write will replace, very probably; by then it may be another key's. It need not be waited for: the command can be sent meanwhile.
    /// </summary>
    /// <param name="hash">Of the key, by <see cref="LocalTable.HashOf"/>.</param>
    public LocalEntry? Seek(int hash)
    {
        var entry = Table.Seek(hash);
        entry?.Prefetch();
        return entry;
    }

    /// <summary>To be called when the stamp of an entry, or when it was confirmed, has changed where it is.</summary>
    public void Tell(LocalEntry entry) => Table.Tell(entry);

    /// <summary>A master says the same: it was asked at this time, in milliseconds by the shard's clock.</summary>
    public void Confirm(LocalEntry entry, long askedAt)
    {
        entry.ConfirmedAt = Math.Max(entry.ConfirmedAt, askedAt);
        Tell(entry);
    }

    /// <summary>
    /// Replaces what is known of the key by what this process writes; in the same object where nobody else keeps that, for each other one
    /// would have to come into the processor's cache first.
    /// </summary>
    public LocalEntry Write(
        LocalEntry? sought, in StoredKey key, in EntryHeader header, in PayloadSource payload, Standing standing, IServerConnection? sentOn)
    {
        var kind = header.IsTombstone ? LocalKind.Tombstone : LocalKind.Value;

        // Who has sent may have been called back, and have changed it.
        if (sought is not { IsDetached: false, IsShared: false } entry || entry.Key.Name != key.Name)
        {
            entry = Create(key, kind, header, payload.Take());
            Put(entry, standing, sentOn);
            return entry;
        }

        var (before, sentBefore) = (Settle(entry).Standing, entry.SentOn);
        var freed = Leave(entry);
        try
        {
            entry.Renew(kind, header, payload);
        }
        catch
        {
            // The caller's own memory may throw. What was kept may be half of each by now, and an answer to it finds it no more.
            entry.Invalidate();
            Count(Enter(entry, before == Standing.Sent ? Standing.Pending : before, sentBefore) - freed);
            throw;
        }

        if (standing != Standing.Sent)
        {
            // What is sent gets its number then.
            entry.NextVersion();
        }

        Count(Enter(entry, standing, sentOn) - freed);
        return entry;
    }

    /// <summary>Replaces what is known of the key.</summary>
    public void Put(LocalEntry entry, Standing standing, IServerConnection? sentOn)
    {
        var freed = 0L;

        // In this order: who looks at the table without the lock, and finds nothing owed after that, asks the master.
        (standing, sentOn) = Weigh(standing, sentOn);
        entry.IsOwed |= standing == Standing.Pending;
        if (Table.Set(entry) is { } replaced)
        {
            freed = Leave(Settle(replaced));
            replaced.ReleasePayload();
            entry.KeepKeyOf(replaced);
            Evictions -= replaced.Kind == LocalKind.Eviction ? 1 : 0;
            GroupRemovals -= replaced.Group is { IsRemovalOfAll: true } ? 1 : 0;

            // Until the new one is answered the master may have only what is older than both.
            entry.IsOwed = standing == Standing.Pending || replaced.Overlays;
            if (!ReferenceEquals(replaced, entry))
            {
                Free(replaced);
            }
        }

        Evictions += entry.Kind == LocalKind.Eviction ? 1 : 0;
        GroupRemovals += entry.Group is { IsRemovalOfAll: true } ? 1 : 0;
        Count(Enter(entry, standing, sentOn) - freed);
        Evict();
    }

    /// <summary>
    /// For a write whose value is not kept, where nobody knows whether its master has it: nothing older is to be read. Where something later
    /// was taken over meanwhile, that says so already.
    /// </summary>
    public void Invalidate(LocalEntry entry)
    {
        if (Find(entry.Key.Name) is not { } other || other.Header.Stamp <= entry.Header.Stamp)
        {
            entry.Invalidate();
            Put(entry, Standing.Pending, null);
        }
    }

    public void Forget(LocalEntry entry)
    {
        if (!entry.IsDetached)
        {
            Count(-Leave(entry));
            Table.Remove(entry.Key.Name);
            entry.ReleasePayload();
            Evictions -= entry.Kind == LocalKind.Eviction ? 1 : 0;
            GroupRemovals -= entry.Group is { IsRemovalOfAll: true } ? 1 : 0;
            Free(entry);
        }
    }

    public void Move(LocalEntry entry, Standing standing, IServerConnection? sentOn)
    {
        // The journal is in the order of rounds: what is acknowledged once more, because it was touched, goes behind the others.
        var isLater = standing == Standing.Acknowledged && entry.Round > 0 && entry.Round < Answers.OpenRound;
        var staysInPlace = entry.Standing != Standing.Standby && standing != Standing.Standby && !isLater;
        if (staysInPlace)
        {
            Pending -= entry.Standing == Standing.Pending ? 1 : 0;
            Stand(entry, standing, sentOn);
            Pending += entry.Standing == Standing.Pending ? 1 : 0;
            return;
        }

        var freed = Leave(entry);
        Count(Enter(entry, standing, sentOn) - freed);
    }

    /// <summary>Every server has it: it stays as a copy where that is of use.</summary>
    public void Retire(LocalEntry entry)
    {
        var isUseful = entry is { Kind: LocalKind.Value or LocalKind.Tombstone, IsPartial: false, Page: null }
            && (entry.Kind == LocalKind.Tombstone || entry.Payload is { } payload && payload.Length <= maxStandbyPayload);
        if (!isUseful)
        {
            Forget(entry);
            return;
        }

        Move(entry, Standing.Standby, null);
        (entry.IsTouchOnly, entry.IsRefreshed, entry.TouchedAt) = (false, false, 0);
        entry.LeaveOperation();
        Evict();
    }

    /// <summary>Drops the payload of the journal's oldest entries until this much is free.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="wereRead">Those that were only read, which a server has and can be asked for again; or else those that were written.</param>
    /// <returns>How many lost their payload, and how much that gave.</returns>
    public (int Count, long Bytes) DropValues(long bytes, bool wereRead)
    {
        var (count, freed) = (0, 0L);
        for (var entry = Journal.First; entry is not null && freed < bytes; entry = entry.Next)
        {
            if (entry is { Kind: LocalKind.Value, IsTouchOnly: false, Payload.Length: > 0 } && entry.WasRead == wereRead)
            {
                freed += wereRead ? Shrink(entry, static entry => entry.ReleaseRead()) : Shrink(entry);
                count++;
            }
        }

        return (count, freed);
    }

    /// <summary>Gives the payload of an entry of the journal up; its key is still to be invalidated.</summary>
    public long Shrink(LocalEntry entry) => Shrink(entry, static entry => entry.Invalidate());

    /// <summary>Forgets the journal's oldest keys until this much is free.</summary>
    public (int Count, long Bytes) DropKeys(long bytes)
    {
        var (count, freed) = (0, 0L);
        while (freed < bytes && Journal.First is { } oldest)
        {
            freed += oldest.Size;
            count++;
            Forget(oldest);
        }

        return (count, freed);
    }

    /// <summary>While copies of what it removed could still be read.</summary>
    private bool IsRemovalOfGroup(LocalEntry entry) => entry.Group is { IsRemovalOfAll: true } && !entry.HasExpired(clock.NowMilliseconds);

    private long Shrink(LocalEntry entry, Action<LocalEntry> change)
    {
        var freed = Journal.Shrink(entry, change);
        Count(-freed);
        return freed;
    }

    private void Count(long change)
    {
        _uncounted += change;
        if (Math.Abs(_uncounted) > budget.Grain)
        {
            budget.Add(_uncounted);
            _uncounted = 0;
        }
    }

    private void Free(LocalEntry entry)
    {
        (entry.IsOwed, entry.IsDetached) = (false, true);
        if (!entry.IsShared && _free.Count < MaxFree)
        {
            entry.End();
            _free.Push(entry);
        }
    }

    /// <summary>Returns by how much the journal has grown.</summary>
    private long Enter(LocalEntry entry, Standing standing, IServerConnection? sentOn)
    {
        entry.IsDetached = false;
        Stand(entry, standing, sentOn);
        if (entry.Standing == Standing.Standby)
        {
            StandbySize += entry.Size;
            _eviction.Add(entry, Table.Count + MaxFree);
            return 0;
        }

        Journal.Add(entry);
        Pending += entry.Standing == Standing.Pending ? 1 : 0;
        return entry.Size;
    }

    /// <summary>What another server than the one that serves has acknowledged is pending.</summary>
    private (Standing Standing, IServerConnection? SentOn) Weigh(Standing standing, IServerConnection? sentOn) =>
        standing == Standing.Acknowledged && Answers.Serving is { } serving && !ReferenceEquals(sentOn, serving)
            ? (Standing.Pending, null)
            : (standing, sentOn);

    private void Stand(LocalEntry entry, Standing standing, IServerConnection? sentOn)
    {
        (standing, sentOn) = Weigh(standing, sentOn);
        if (standing == Standing.Sent)
        {
            entry.NextVersion();
        }

        (entry.Standing, entry.SentOn, entry.Round) = (standing, sentOn, standing == Standing.Acknowledged ? Answers.OpenRound : 0);
        entry.IsOwed = standing == Standing.Pending || (standing == Standing.Sent && entry.IsOwed);
    }

    /// <summary>Returns by how much the journal has shrunk.</summary>
    private long Leave(LocalEntry entry)
    {
        if (entry.Standing == Standing.Standby)
        {
            StandbySize -= entry.Size;
            return 0;
        }

        Journal.Remove(entry);
        Pending -= entry.Standing == Standing.Pending ? 1 : 0;
        return entry.Size;
    }

    private void Evict()
    {
        // Twice around: all others go before a removal that still hides some of them.
        for (var left = 2 * _eviction.Count; StandbySize > standbyLimit; left--)
        {
            if (_eviction.Next() is not { } oldest)
            {
                continue;
            }

            if (oldest.WasUsed || (left > 0 && IsRemovalOfGroup(oldest)))
            {
                oldest.WasUsed = false;
                _eviction.Requeue(oldest);
            }
            else
            {
                Forget(oldest);
            }
        }
    }
}
