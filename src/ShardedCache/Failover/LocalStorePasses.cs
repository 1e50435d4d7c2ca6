using ShardedCache.Connections;

namespace ShardedCache.Failover;

/// <summary>What goes over a whole local store: the rounds of the proof, and the first calibration of its clock.</summary>
internal static class LocalStorePasses
{
    /// <summary>Gives a round to all that was acknowledged and has none.</summary>
    /// <param name="store">The shard's.</param>
    /// <param name="round">From <see cref="ProofLedger.NextRound"/>.</param>
    /// <param name="connection">
    /// The one that serves: what another one has answered, late, says nothing of its server, which may lack it and gets it again.
    /// </param>
    public static void Assign(this LocalStore store, long round, IServerConnection? connection = null)
    {
        foreach (var stripe in store.All)
        {
            lock (stripe.Lock)
            {
                for (var entry = stripe.Journal.First; entry is not null; entry = entry.Next)
                {
                    if (entry is not { Standing: Standing.Acknowledged, Round: 0 })
                    {
                        continue;
                    }

                    if (connection is null || ReferenceEquals(entry.SentOn, connection))
                    {
                        entry.Round = round;
                    }
                    else
                    {
                        stripe.Move(entry, Standing.Pending, null);
                    }
                }
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
                // Not in the order of rounds: what is touched again and again gets a later one each time, and stays where it is.
                for (var entry = stripe.Journal.First; entry is not null;)
                {
                    var next = entry.Next;
                    if (entry.Round > 0 && entry.Round <= round)
                    {
                        stripe.Retire(entry);
                    }

                    entry = next;
                }
            }
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
                    if (entry.Group is { } group && groups.Add(group))
                    {
                        group.Shift(shift);
                    }
                }
            }
        });
    }
}
