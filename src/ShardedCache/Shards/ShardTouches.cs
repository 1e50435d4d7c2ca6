using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>The touches that go out behind reads. No caller waits for one.</summary>
internal static class ShardTouches
{
    /// <summary>Prolongs a sliding entry that was read, unless that was done a little while ago.</summary>
    /// <param name="shard">The key's.</param>
    /// <param name="connection">On which it was read.</param>
    /// <param name="key">The entry's.</param>
    /// <param name="header">The entry's.</param>
    /// <param name="time">When the read began.</param>
    /// <param name="isJournaling">Whether the use is remembered where no server is told.</param>
    public static void Touch(
        this Shard shard, IServerConnection connection, in StoredKey key, in EntryHeader header, in OperationTime time, bool isJournaling)
    {
        var now = shard.Clock.NowMilliseconds;
        var isServing = ReferenceEquals(shard.Live, connection);
        if (isServing && (!shard.Touches.ShouldTouch(key.Name, header, now) || TouchPolicy.TimeToLive(header, now) <= 0))
        {
            return;
        }

        ValueTask<Reply> reply = default;
        SentUse touched = default;
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
                    var began = shard.Clock.MillisecondsAt(time.Began);
                    var outlives = entry.HasExpired(began) || entry.Held.IsOver(began);
                    shard.Store.Touch(stripe, entry, connection);
                    if (outlives)
                    {
                        // By a use of another instance, or one whose answer was not heard: until when its server keeps it, nobody knows here.
                        entry.Held.Clear();
                    }
                }

                touched = new(EntryRef.To(entry), entry?.ExpiresAt ?? 0);
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
        SentUse kept = default;
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
                var entry = shard.Store.Refresh(stripe, key, isTold ? connection : null);
                kept = isTold ? new(EntryRef.To(entry), entry.ExpiresAt) : default;
            }
        }

        shard.Store.Added();
        _ = HearAsync(shard, connection, reply, kept);
    }

    /// <summary>Takes the server's answer to a use. Called without any lock.</summary>
    private static async Task HearAsync(Shard shard, IServerConnection? connection, ValueTask<Reply> answer, SentUse use)
    {
        var reply = await answer.ConfigureAwait(false);
        if (use.Of.Entry is not { } used)
        {
            return;
        }

        if (reply is { Kind: ReplyKind.Ok, Integer: 1 })
        {
            // The rule, and it must not wait for who holds the stripe while he sends.
            if (used.Version == use.Of.Version)
            {
                used.Held.Hold(use.Until);
            }

            return;
        }

        var isMissing = reply.Kind == ReplyKind.Ok;
        if (!isMissing && reply is not { Error: ServerErrorCode.Misconf or ServerErrorCode.NoReplicas })
        {
            return;
        }

        lock (used.Stripe.Lock)
        {
            if (use.Of.Current is not { } entry || !ReferenceEquals(shard.Live, connection))
            {
                return;
            }

            if (!isMissing)
            {
                // A server that does not write lets an entry in use expire: from now on the journal speaks for it.
                shard.Store.IsWriteRefused = true;
                shard.Store.TouchUntold(used.Stripe, entry);
            }
            else
            {
                // The server may have something later: that is not to be hidden.
                var isOwed = entry.IsOwed;
                if (shard.Store.TryBringBack(used.Stripe, entry))
                {
                    entry.IsOwed = isOwed;
                }
                else
                {
                    entry.Held.Clear();
                }
            }
        }

        shard.Store.Added();
    }

    /// <summary>A use on its way.</summary>
    /// <param name="Of">The entry; none where nothing is known of it here.</param>
    /// <param name="Until">When the entry is over, once the use has come, in milliseconds by the shard's clock.</param>
    private readonly record struct SentUse(EntryRef Of, long Until);
}
