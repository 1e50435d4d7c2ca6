using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>The touches that go out behind reads. Nobody waits for one.</summary>
internal static class ShardTouches
{
    /// <summary>Prolongs a sliding entry that was read, unless that was done a little while ago.</summary>
    public static void Touch(this Shard shard, IServerConnection connection, in StoredKey key, in EntryHeader header, bool isJournaling)
    {
        var now = shard.Clock.NowMilliseconds;
        var isServing = ReferenceEquals(shard.Live, connection);
        if (isServing && (!shard.Touches.ShouldTouch(key.Name, header, now) || TouchPolicy.TimeToLive(header, now) <= 0))
        {
            return;
        }

        var stripe = shard.Store.StripeOf(key);
        lock (stripe.Lock)
        {
            var entry = stripe.Find(key.Name) is { Kind: LocalKind.Value } found && found.Header.Stamp == header.Stamp ? found : null;
            if (!isServing || !ReferenceEquals(shard.Live, connection))
            {
                // On a connection out of service it would count as made, and is not.
                if (isJournaling)
                {
                    shard.Store.Refresh(stripe, key, null);
                }
            }
            else if (entry is not null && shard.Store.IsWriteRefused)
            {
                shard.Store.TouchUntold(stripe, entry);
            }
            else
            {
                var milliseconds = TouchPolicy.TimeToLive(header, now);
                connection.Post(EntryScripts.Touch, key, [header.Stamp.ToBytes(), ReplayCommand.Number(milliseconds), ReplayCommand.Index(key)]);
                if (entry is not null)
                {
                    shard.Store.Touch(stripe, entry, connection);
                }
            }
        }

        shard.Store.Added();
    }

    /// <summary>The same for an entry that was not read: its server knows its window.</summary>
    public static void KeepAlive(this Shard shard, in StoredKey key, bool isJournaling)
    {
        var stripe = shard.Store.StripeOf(key);
        lock (stripe.Lock)
        {
            var connection = shard.Live;
            if (connection is not null
                && stripe.Find(key.Name) is { Kind: LocalKind.Value } known
                && !shard.Touches.ShouldTouch(key.Name, known.Header, shard.Clock.NowMilliseconds))
            {
                return;
            }

            var isTold = connection is not null && !(isJournaling && shard.Store.IsWriteRefused);
            if (isTold)
            {
                connection!.Post(EntryScripts.Refresh, key, []);
            }

            if (isJournaling)
            {
                shard.Store.Refresh(stripe, key, isTold ? connection : null);
            }
        }

        shard.Store.Added();
    }
}
