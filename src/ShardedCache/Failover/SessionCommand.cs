using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>The command that merges a session's changes, or all that is known of it, into what its master has.</summary>
internal static class SessionCommand
{
    /// <summary>Sends the command; the session's stripe is locked.</summary>
    public static ValueTask<Reply> Send(
        IEntryCommands commands,
        in StoredKey key,
        in EntryHeader header,
        ReadOnlySpan<byte> state,
        long lifeMilliseconds,
        bool onlyWhereItExists,
        LocalStore store,
        CancellationToken cancellationToken,
        CallMode mode = CallMode.Asynchronous)
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
                onlyWhereItExists ? "1"u8.ToArray() : "0"u8.ToArray(),
                ReplayCommand.Number(SessionState.KeptMilliseconds(header.SlidingMilliseconds, store.Limits.TombstoneLife)),
            ],
            mode,
            cancellationToken);
    }
}
