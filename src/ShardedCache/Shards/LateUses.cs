using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>
/// Decides where a master has nothing of an entry that this process knows as live: it has lost it, or a use of it came there after the end.
/// </summary>
internal sealed class LateUses(Shard shard)
{
    private readonly LocalStore _store = shard.Store;

    /// <summary>Whether the journal speaks for the entry now, until the master has it again.</summary>
    public bool Answer(in StoredKey key, Stamp known)
    {
        if (known == default || GroupKeys.CouldBeMember(key.Name))
        {
            // A member that expires leaves nothing, and its group may have been removed since: the replay finds out.
            return false;
        }

        var stripe = _store.StripeOf(key);
        lock (stripe.Lock)
        {
            if (stripe.Find(key.Name) is not { } entry || entry.Header.Stamp != known || !_store.TryBringBack(stripe, entry))
            {
                return false;
            }

            // The master has nothing that it could hide.
            entry.IsTouchOnly = false;
        }

        _store.Added();
        return true;
    }
}
