using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>The touches that go out behind reads. No caller waits for one.</summary>
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

        ValueTask<Reply> reply = default;
        EntryRef touched = default;
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
                var arguments = ReplayCommand.Touch(key, header.Stamp, TouchPolicy.TimeToLive(header, now), now);
                reply = connection.RunAsync(EntryScripts.Touch, key, arguments, CallMode.Asynchronous, CancellationToken.None);
                if (entry is not null)
                {
                    shard.Store.Touch(stripe, entry, connection);
                }

                touched = EntryRef.To(entry);
            }
        }

        shard.Store.Added();
        _ = HearAsync(shard, connection, reply, touched);
    }

    /// <summary>The same for an entry that was not read: its server knows its window.</summary>
    public static void KeepAlive(this Shard shard, in StoredKey key, bool isJournaling)
    {
        IServerConnection? connection;
        ValueTask<Reply> reply = default;
        EntryRef kept = default;
        var stripe = shard.Store.StripeOf(key);
        lock (stripe.Lock)
        {
            connection = shard.Live;
            if (connection is not null
                && stripe.Find(key.Name) is { Kind: LocalKind.Value } known
                && !shard.Touches.ShouldTouch(key.Name, known.Header, shard.Clock.NowMilliseconds))
            {
                return;
            }

            var isTold = connection is not null && !(isJournaling && shard.Store.IsWriteRefused);
            if (isTold)
            {
                reply = connection!.RunAsync(EntryScripts.Refresh, key, [], CallMode.Asynchronous, CancellationToken.None);
            }

            if (isJournaling)
            {
                shard.Store.Refresh(stripe, key, isTold ? connection : null);
                kept = EntryRef.To(stripe.Find(key.Name));
            }
        }

        shard.Store.Added();
        _ = HearAsync(shard, connection, reply, kept);
    }

    /// <summary>A server that does not write lets an entry in use expire: from now on the journal speaks for it. Called without any lock.</summary>
    private static async Task HearAsync(Shard shard, IServerConnection? connection, ValueTask<Reply> touched, EntryRef known)
    {
        if (await touched.ConfigureAwait(false) is not { Error: ServerErrorCode.Misconf or ServerErrorCode.NoReplicas } || known.Entry is null)
        {
            return;
        }

        var stripe = known.Entry.Stripe;
        lock (stripe.Lock)
        {
            if (known.Current is { } entry && ReferenceEquals(shard.Live, connection))
            {
                shard.Store.IsWriteRefused = true;
                shard.Store.TouchUntold(stripe, entry);
            }
        }

        shard.Store.Added();
    }
}
