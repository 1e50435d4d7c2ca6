using ShardedCache.Connections;

namespace ShardedCache.Failover;

/// <summary>Uses and refreshes of entries, in what this process knows of them.</summary>
internal static class LocalTouches
{
    /// <summary>The entry's life was prolonged; <paramref name="sentOn"/> is null where its master has yet to be told.</summary>
    public static void Touch(this LocalStore store, LocalStripe stripe, LocalEntry entry, IServerConnection? sentOn)
    {
        if (entry.Header.IsSliding)
        {
            entry.Held.Doubt(entry.ExpiresAt);
            entry.ExpiresAt = store.ExpiresAt(entry, store.Clock.NowMilliseconds);
        }

        store.Use(stripe, entry, sentOn);
    }

    /// <summary>The same where what is known here is over, or no value: its master may have a version that is not.</summary>
    private static void Use(this LocalStore store, LocalStripe stripe, LocalEntry entry, IServerConnection? sentOn)
    {
        entry.TouchedAt = store.Clock.NowMilliseconds;
        entry.WasUsed = true;
        if (entry.Standing == Standing.Sent && sentOn is null && !entry.TryOweTouch())
        {
            // Its answer has come in between.
            stripe.Settle(entry);
        }

        if (entry.Standing == Standing.Standby)
        {
            // Of which group it was is forgotten.
            (entry.IsTouchOnly, entry.WasRead) = (true, true);
            stripe.Move(entry, sentOn is null ? Standing.Pending : Standing.Acknowledged, sentOn);
        }
        else if (entry.Standing == Standing.Acknowledged)
        {
            // The mark that is to cover it must be read after this touch; and what no master was told of is sent again, whole.
            stripe.Move(entry, sentOn is null ? Standing.Pending : Standing.Acknowledged, sentOn);
        }
    }

    /// <summary>
    /// A use that a master cannot be told of, because it does not write now: its copy may expire meanwhile, so the journal speaks for
    /// the entry until it was sent again.
    /// </summary>
    public static void TouchUntold(this LocalStore store, LocalStripe stripe, LocalEntry entry)
    {
        store.Touch(stripe, entry, null);
        entry.IsTouchOnly &= entry.Payload is null;
    }

    /// <summary>
    /// Where the master's copy has expired because no use of it came there in time: it is to be brought there again. A removal by another
    /// client would have left a tombstone there; what was evicted or flushed has nothing here in doubt, but for a use on its way just then.
    /// </summary>
    public static bool TryBringBack(this LocalStore store, LocalStripe stripe, LocalEntry entry)
    {
        var now = store.Clock.NowMilliseconds;
        var isLate = entry is { Kind: LocalKind.Value, IsSession: false, Page: null, Group: null, HasYielded: false }
            && entry.Held.IsOver(now)
            && !entry.HasExpired(now)
            && !GroupKeys.MayBelong(entry)
            && ReplayCommand.IsBroughtWhole(entry, store);
        if (isLate)
        {
            stripe.Move(entry, Standing.Pending, null);
        }

        return isLate;
    }

    /// <summary>
    /// Prolongs what is known of the key, or remembers the refresh alone; <paramref name="answeredOn"/> is null where its master has yet to be told.
    /// </summary>
    public static void Refresh(this LocalStore store, in StoredKey key, IServerConnection? answeredOn)
    {
        var stripe = store.StripeOf(key);
        lock (stripe.Lock)
        {
            var entry = store.Refresh(stripe, key, answeredOn);
            if (answeredOn is not null)
            {
                entry.Held.Hold(entry.ExpiresAt);
            }
        }

        store.Added();
    }

    /// <summary>Under the stripe's lock. <see cref="LocalStore.Added"/> is to follow without it.</summary>
    public static LocalEntry Refresh(this LocalStore store, LocalStripe stripe, in StoredKey key, IServerConnection? sentOn)
    {
        if (stripe.Find(key.Name) is not { } entry)
        {
            entry = stripe.Create(key, LocalKind.Refresh, default, null);
            entry.TouchedAt = store.Clock.NowMilliseconds;
            stripe.Put(entry, sentOn is null ? Standing.Pending : Standing.Acknowledged, sentOn);
        }
        else
        {
            entry.IsRefreshed = true;
            if (entry.Kind == LocalKind.Value && !entry.HasExpired(store.Clock.NowMilliseconds))
            {
                store.Touch(stripe, entry, sentOn);
            }
            else
            {
                // A master has taken what is known here, and may have something later: that is not to be hidden.
                var isOwed = entry.IsOwed;
                store.Use(stripe, entry, sentOn);
                entry.IsOwed = isOwed && entry.IsOwed;
            }
        }

        return entry;
    }
}
