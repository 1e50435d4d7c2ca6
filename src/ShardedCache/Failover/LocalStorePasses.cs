using ShardedCache.Connections;

namespace ShardedCache.Failover;

/// <summary>What goes over a whole local store: the rounds of the proof, the bound, and the first calibration of its clock.</summary>
internal static class LocalStorePasses
{
    /// <summary>From now on only one connection's answers count: what another one answers, late, says nothing of this one's server.</summary>
    public static void Serve(this LocalStore store, IServerConnection connection)
    {
        foreach (var stripe in store.All)
        {
            stripe.Answers.Serving = connection;
        }
    }

    /// <summary>Ends a round: what is acknowledged from now on belongs to the next one.</summary>
    /// <param name="store">The shard's.</param>
    /// <param name="round">From <see cref="ProofLedger.NextRound"/>.</param>
    public static void Close(this LocalStore store, long round)
    {
        foreach (var stripe in store.All)
        {
            lock (stripe.Lock)
            {
                stripe.Answers.OpenRound = round + 1;
            }
        }
    }

    /// <summary>Takes the rounds up to this one out of the journal.</summary>
    public static void Retire(this LocalStore store, long round)
    {
        foreach (var stripe in store.All)
        {
            lock (stripe.Lock)
            {
                // Rounds stand in their order, but for answers that overtook each other: those wait for the later one.
                for (var entry = stripe.Journal.First; entry is not null && stripe.Settle(entry).Round <= round;)
                {
                    // Nothing has touched it since it was answered.
                    var next = entry.Next;
                    next?.Prefetch();
                    if (entry.Standing == Standing.Acknowledged)
                    {
                        stripe.Retire(entry);
                    }

                    entry = next;
                }
            }
        }
    }

    /// <summary>
    /// Gives up the oldest values of the journal, before any other those that were only read, or, where there are none, the oldest keys.
    /// Returns how much that gave.
    /// </summary>
    public static long DropOldest(this LocalStore store, long bytes)
    {
        var share = Math.Max(1, bytes / store.All.Count);
        var reads = Drop(static (stripe, size) => stripe.DropValues(size, wereRead: true));
        if (reads.Count > 0)
        {
            return reads.Bytes;
        }

        var values = Drop(static (stripe, size) => stripe.DropValues(size, wereRead: false));
        if (values.Count > 0)
        {
            store.Metrics.JournalValuesDropped(store.Shard, values.Count);
            return values.Bytes;
        }

        var keys = Drop(static (stripe, size) => stripe.DropKeys(size));
        store.Metrics.JournalKeysDropped(store.Shard, keys.Count);
        return keys.Bytes;

        (int Count, long Bytes) Drop(Func<LocalStripe, long, (int Count, long Bytes)> drop)
        {
            var (count, total) = (0, 0L);
            foreach (var stripe in store.All)
            {
                lock (stripe.Lock)
                {
                    var (dropped, freed) = drop(stripe, share);
                    (count, total) = (count + dropped, total + freed);
                }
            }

            return (count, total);
        }
    }

    /// <summary>
    /// Sets the shard's clock. At the first time, what was written by the local clock so far is moved to the shard's, in its order.
    /// </summary>
    public static void Calibrate(this LocalStore store, DateTimeOffset serverTime, long sentTimestamp, long receivedTimestamp)
    {
        if (store.Clock.IsCalibrated)
        {
            store.Clock.Calibrate(serverTime, sentTimestamp, receivedTimestamp);
            return;
        }

        store.WithAllLocked(() =>
        {
            var shift = store.Clock.Calibrate(serverTime, sentTimestamp, receivedTimestamp);
            var groups = new HashSet<GroupOperation>();
            foreach (var stripe in store.All)
            {
                for (var entry = stripe.Journal.First; entry is not null; entry = entry.Next)
                {
                    entry.Shift(shift);
                    stripe.Tell(entry);
                    if (entry.Group is { } group && groups.Add(group))
                    {
                        group.Shift(shift);
                    }
                }
            }
        });
    }
}
