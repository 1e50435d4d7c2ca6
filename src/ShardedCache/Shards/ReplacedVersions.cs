using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>
/// Decides where a master has an older version of an entry than this process has known: one of the two came late.
/// </summary>
internal sealed class ReplacedVersions(Shard shard, ShardContext context)
{
    private readonly LocalStore _store = shard.Store;

    /// <summary>
    /// Whether what was read had indeed a later version, which is over and has left nothing on the master. Whoever does not know of that must not
    /// read the older one either, so it is removed. Where the later one is not over, the older has come after it, from a process or over a
    /// network that had stood still: then the later one is brought back, or, where it is not kept or not known of late, the server's order counts. One of two
    /// acknowledged writes has to be there.
    /// </summary>
    public bool Removes(IServerConnection connection, in StoredKey key, Stamp later)
    {
        var stripe = _store.StripeOf(key);
        lock (stripe.Lock)
        {
            if (stripe.Find(key.Name) is not { } entry || entry.Header.Stamp != later)
            {
                // Another key has the same hash; or much has happened since.
                return false;
            }

            if (entry is { Kind: LocalKind.Value, Payload: null, Overlays: true })
            {
                // What this process has read of another server is later, and not here to be brought back.
                return true;
            }

            var isSettled = entry.Standing is Standing.Standby or Standing.Acknowledged;
            if (entry.Kind != LocalKind.Value || entry.HasExpired(shard.Clock.NowMilliseconds) || GroupKeys.IsRemoved(stripe, entry))
            {
                if (isSettled)
                {
                    _ = Reply.Drop(connection.RunAsync(EntryScripts.Evict, key, [later.ToBytes()], CallMode.Asynchronous, CancellationToken.None));
                }

                return true;
            }

            if (isSettled && entry is { Payload: not null, IsSession: false, Page: null, HasYielded: false } && IsRecent(entry))
            {
                entry.IsTouchOnly = false;
                stripe.Move(entry, Standing.Pending, null);
            }
            else if (isSettled)
            {
                stripe.Forget(entry);
            }
        }

        _store.Added();
        return false;
    }

    // The longer ago its master has last said so, the more likely somebody has replaced or removed it since, which what came late has hidden.
    private bool IsRecent(LocalEntry entry) =>
        shard.Clock.NowMilliseconds - entry.ConfirmedAt <= 2 * context.Settings.OperationTimeout.TotalMilliseconds;
}
