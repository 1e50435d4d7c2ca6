using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>The command of a group's operation: at first as it is, and guarded by its stamp when it is replayed.</summary>
internal static class GroupCommand
{
    /// <summary>Sends the operation; the group's stripe is locked.</summary>
    public static ValueTask<Reply> Send(IEntryCommands commands, GroupOperation group, LocalStore store, bool isReplay, CancellationToken cancellationToken)
    {
        var now = store.Clock.NowMilliseconds;
        List<ReadOnlyMemory<byte>> arguments = [ReplayCommand.Number(isReplay ? now : 0), ReplayCommand.Bytes(group.Removal), group.Stamp.ToBytes()];
        if (group.IsRemovalOfAll)
        {
            arguments.AddRange(Tombstone(group.Stamp), ReplayCommand.Number((long)store.Limits.TombstoneLife.TotalMilliseconds));
            return commands.RunAsync(GroupScripts.RemoveAll, group.Index, [.. arguments], CallMode.Asynchronous, cancellationToken);
        }

        foreach (var entry in group.Entries.Where(static entry => !entry.IsDetached))
        {
            var (stored, life, lastStampLife) = ReplayCommand.Stored(entry, store, now);
            arguments.AddRange(
                ReplayCommand.Bytes(entry.Key), stored, life, ReplayCommand.Bytes(ReplayCommand.LastStampOf(entry.Key)), lastStampLife);
        }

        return commands.RunAsync(GroupScripts.Write, group.Index, [.. arguments], CallMode.Asynchronous, cancellationToken);
    }

    private static byte[] Tombstone(Stamp stamp)
    {
        var bytes = new byte[EntryHeader.MinLength];
        EntryHeader.Tombstone(stamp).Write(bytes);
        return bytes;
    }
}
