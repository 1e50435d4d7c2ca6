using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>How a state is merged into what its master has.</summary>
internal enum SessionMerge : byte
{
    /// <summary>What a request has changed now: it is later than all that its master has.</summary>
    Live,

    /// <summary>The same of a session that its request has read: only where its master still has something of it.</summary>
    LiveToKnown,

    /// <summary>By its stamps.</summary>
    Replay,

    /// <summary>By its stamps, and only where its master has the session.</summary>
    ReplayToExisting,
}

/// <summary>The command that merges a session's changes, or all that is known of it, into what its master has.</summary>
internal static class SessionCommand
{
    /// <summary>Sends the command; the session's stripe is locked. The life counts from now on, in milliseconds by the shard's clock.</summary>
    public static ValueTask<Reply> Send(
        IEntryCommands commands,
        in StoredKey key,
        in EntryHeader header,
        ReadOnlySpan<byte> state,
        long lifeMilliseconds,
        long now,
        SessionMerge how,
        LocalStore store,
        CancellationToken cancellationToken)
    {
        Span<byte> head = stackalloc byte[EntryHeader.MaxLength];
        var length = header.Write(head);
        var stored = new byte[length + state.Length];
        head[..length].CopyTo(stored);
        state.CopyTo(stored.AsSpan(length));
        return commands.RunAsync(
            SessionScripts.Merge,
            key,
            [
                stored,
                ReplayCommand.Number(lifeMilliseconds),
                ReplayCommand.Number(SessionState.KeptMilliseconds(header.SlidingMilliseconds, store.Limits.TombstoneLife)),
                how switch
                {
                    SessionMerge.Live => "live"u8.ToArray(),
                    SessionMerge.LiveToKnown => "known"u8.ToArray(),
                    SessionMerge.Replay => "replay"u8.ToArray(),
                    _ => "existing"u8.ToArray(),
                },
                ReplayCommand.Number(now),
            ],
            CallMode.Asynchronous,
            cancellationToken);
    }
}
