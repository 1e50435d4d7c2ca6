using System.Globalization;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>The idempotent command that brings one record of the journal to a master that may lack it.</summary>
internal static class ReplayCommand
{
    /// <summary>Queues the command; the entry's stripe is locked.</summary>
    /// <param name="commands">Where.</param>
    /// <param name="entry">The record.</param>
    /// <param name="store">Its store.</param>
    /// <param name="isWhole">What <see cref="IsBroughtWhole"/> has said: asked again, it may say otherwise, for the clock goes on.</param>
    /// <param name="isGuarded">Whether the answer tells that the entry is there now, or that something later is.</param>
    /// <param name="mode">How the caller waits, where the record is a plain entry.</param>
    /// <param name="cancellationToken">Abandons the wait.</param>
    public static ValueTask<Reply> Send(
        IEntryCommands commands,
        LocalEntry entry,
        LocalStore store,
        bool isWhole,
        out bool isGuarded,
        CallMode mode,
        CancellationToken cancellationToken)
    {
        isGuarded = entry.Kind is not LocalKind.Eviction && !IsRefreshAlone(entry);
        if (entry.Page is not null)
        {
            return PageCommand.Set(commands, entry, store, isReplay: true, cancellationToken);
        }

        if (entry.Kind == LocalKind.Eviction)
        {
            return PageCommand.Evict(commands, entry, store, EvictionStep.Replay, cancellationToken);
        }

        var now = store.Clock.NowMilliseconds;
        if (IsRefreshAlone(entry))
        {
            return Run(EntryScripts.Refresh, Refresh(entry, now));
        }

        if (entry is { IsSession: true, Kind: LocalKind.Value, Payload: { } state })
        {
            // One that nobody has used for its whole window here may live by another instance's use, and is not made anew.
            var how = entry.HasExpired(now) ? SessionMerge.ReplayToExisting : SessionMerge.Replay;
            return SessionCommand.Send(commands, entry.Key, entry.Header, state.Span, entry.MillisecondsToLive(now), now, how, store, cancellationToken);
        }

        // With its payload at hand an entry is replayed whole: it may have expired on a server that nobody could tell of its use. But it
        // may also have been removed, and after a tombstone's life that cannot be told from the other.
        if (entry.IsTouchOnly && !isWhole)
        {
            isGuarded = false;
            return Run(EntryScripts.Touch, Touch(entry.Key, entry.Header.Stamp, entry.MillisecondsToLive(now), now));
        }

        if (isWhole && entry.Membership == Membership.Member)
        {
            // Written alone it would not be removed with its group any more.
            return GroupCommand.Send(commands, GroupOperation.Of(entry), store, isReplay: true, cancellationToken);
        }

        var (stored, life, lastStampLife) = IsInvalidated(entry, isWhole) ? Invalidation(entry, store) : Stored(entry, store, now);
        return Run(
            EntryScripts.Replay,
            [stored, life, entry.Header.IsSliding ? Index(entry.Key) : [], Bytes(LastStampOf(entry.Key)), lastStampLife, Number(now), RemovalOf(entry)]);

        ValueTask<Reply> Run(StoredScript script, ReadOnlySpan<ReadOnlyMemory<byte>> arguments) =>
            commands.RunAsync(script, entry.Key, arguments, mode, cancellationToken);
    }

    /// <summary>
    /// Sends the use of an entry, ahead of <see cref="Send"/>, where that does not bring it: a refresh prolongs whatever version is there, and a
    /// value that is not replayed whole is prolonged where it is. Nothing depends on the answer. The entry's stripe is locked.
    /// </summary>
    public static void SendUse(IEntryCommands commands, LocalEntry entry, LocalStore store, bool isWhole)
    {
        var now = store.Clock.NowMilliseconds;
        if (entry.IsRefreshed && !IsRefreshAlone(entry))
        {
            Run(EntryScripts.Refresh, Refresh(entry, now));
        }
        else if (entry is { Kind: LocalKind.Value, IsTouchOnly: false, IsSession: false, Page: null, Header.IsSliding: true, TouchedAt: > 0 } && !isWhole)
        {
            Run(EntryScripts.Touch, Touch(entry.Key, entry.Header.Stamp, entry.MillisecondsToLive(now), now));
        }

        void Run(StoredScript script, ReadOnlySpan<ReadOnlyMemory<byte>> arguments) =>
            _ = Reply.Drop(commands.RunAsync(script, entry.Key, arguments, CallMode.Asynchronous, CancellationToken.None));
    }

    private static bool IsRefreshAlone(LocalEntry entry) => entry.Kind == LocalKind.Refresh || entry is { IsTouchOnly: true, Kind: not LocalKind.Value };

    /// <summary>Whether a value is brought as its key alone: a later removal may have left no trace any more, or is one of its whole group.</summary>
    public static bool IsInvalidated(LocalEntry entry, bool isWhole) =>
        !isWhole && entry is { Kind: LocalKind.Value, IsTouchOnly: false, IsSession: false, Payload: not null };

    /// <summary>
    /// Else somebody may have removed it, or has, and nothing would tell its master of that; or might not be able to remove it with its group.
    /// </summary>
    public static bool IsBroughtWhole(LocalEntry entry, LocalStore store) =>
        entry.Payload is not null && !store.MayBeRemoved(entry) && !GroupKeys.IsRemoved(entry.Stripe, entry)
        && !(entry.IsTouchOnly && GroupKeys.MayBelong(entry));

    /// <summary>The arguments of <see cref="EntryScripts.Touch"/>: so many milliseconds from now on.</summary>
    public static ReadOnlyMemory<byte>[] Touch(in StoredKey key, Stamp stamp, long milliseconds, long now) =>
        [stamp.ToBytes(), Number(milliseconds), Index(key), Number(now)];

    private static ReadOnlyMemory<byte>[] Refresh(LocalEntry entry, long now) =>
        [Number(now - entry.TouchedAt), Index(entry.Key), Number(now)];

    /// <summary>The index that has to live as long as the entry, should it be a member of a group; else nothing.</summary>
    public static byte[] Index(in StoredKey key) => GroupKeys.IndexForKey(key.Name) is { } index ? Bytes(key with { Name = index }) : [];

    /// <summary>
    /// The removal stamp of its group, where it may be a member: of what was read, or was proven before it was used, nobody knows that here.
    /// What was written alone is none.
    /// </summary>
    private static byte[] RemovalOf(LocalEntry entry) =>
        entry.Kind == LocalKind.Value && (entry.IsTouchOnly || entry.WasRead) && GroupKeys.RemovalForKey(entry.Key.Name) is { } removal
            ? Bytes(entry.Key with { Name = removal })
            : [];

    /// <summary>
    /// Where the stamp of an entry is kept that may be gone before the older ones that other clients could still replay are too old for that.
    /// </summary>
    public static StoredKey LastStampOf(in StoredKey key) => key with { Name = "__shardedcache:stamp:" + key.Name };

    public static byte[] Bytes(in StoredKey key) => [.. key.Prefix, .. Encoding.UTF8.GetBytes(key.Name)];

    /// <summary>
    /// What is to be stored, and for how many milliseconds: nothing for ever; and the same for its stamp, beside it: nothing where the entry
    /// itself stays long enough. The entry's stripe is locked.
    /// </summary>
    public static (byte[] Bytes, byte[] Life, byte[] LastStampLife) Stored(LocalEntry entry, LocalStore store, long now)
    {
        var tombstoneLife = (long)store.Limits.TombstoneLife.TotalMilliseconds;
        byte[] stored;
        if (entry is { Kind: LocalKind.Value, Payload: { } payload } && !entry.HasExpired(now))
        {
            stored = new byte[entry.Header.Length + payload.Length];
            Span<byte> header = stackalloc byte[EntryHeader.MaxLength];
            header[..entry.Header.Write(header)].CopyTo(stored);
            payload.Span.CopyTo(stored.AsSpan(entry.Header.Length));
            if (entry.ExpiresAt == long.MaxValue)
            {
                return (stored, [], []);
            }

            // What it replaced, should another client replay that even later, has to find something to yield to, as long as a tombstone
            // lives: the entry itself, where its header says when it ends, or else its stamp.
            var life = entry.MillisecondsToLive(now);
            return !entry.Header.IsSliding
                ? (stored, Number(Math.Max(life, tombstoneLife)), [])
                : (stored, Number(life), life < tombstoneLife ? Number(tombstoneLife) : []);
        }

        return Invalidation(entry, store);
    }

    /// <summary>
    /// What has expired, or is known by its key alone, must not uncover what it had replaced. But another client may still have its value, and
    /// bring it later: so that is later than what is stored for it here.
    /// </summary>
    private static (byte[] Bytes, byte[] Life, byte[] LastStampLife) Invalidation(LocalEntry entry, LocalStore store)
    {
        var stamp = entry.Kind == LocalKind.Tombstone ? entry.Header.Stamp : entry.Header.Stamp.Before();
        var stored = new byte[EntryHeader.MinLength];
        EntryHeader.Tombstone(stamp).Write(stored);
        return (stored, Number((long)store.Limits.TombstoneLife.TotalMilliseconds), []);
    }

    public static byte[] Number(long value) => Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture));
}
