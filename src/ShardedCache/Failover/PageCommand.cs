using System.Text;
using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>Which step of an eviction is sent.</summary>
internal enum EvictionStep : byte
{
    /// <summary>Takes all that was written before it arrives.</summary>
    First,

    /// <summary>Goes on with that.</summary>
    Next,

    /// <summary>The first or any other, when it may have arrived before: it takes what is older by its stamp.</summary>
    Replay,
}

/// <summary>The commands of pages and their tags, at first and when they are replayed: both are guarded by stamps.</summary>
internal static class PageCommand
{
    /// <summary>
    /// A step of an eviction touches about this many memberships. The shard does nothing else meanwhile, so it is what an operation that comes
    /// then waits for: measured in docs/output-cache.md.
    /// </summary>
    private const int LiveStep = 20;

    /// <summary>One that is replayed has a round of the proof between its steps.</summary>
    private const int ReplayedStep = 100;

    /// <summary>Sends the page; its stripe is locked.</summary>
    public static ValueTask<Reply> Set(IEntryCommands commands, LocalEntry entry, LocalStore store, bool isReplay, CancellationToken cancellationToken)
    {
        var now = store.Clock.NowMilliseconds;
        var tombstoneLife = (long)store.Limits.TombstoneLife.TotalMilliseconds;
        var tags = entry.Page?.Tags ?? [];
        var header = new byte[EntryHeader.MaxLength];
        var (length, life, body) = (0, tombstoneLife, ReadOnlyMemory<byte>.Empty);
        if (entry is { Kind: LocalKind.Value, Payload: { } payload } && !entry.HasExpired(now))
        {
            // Replayed, it stays at least as long as a tombstone, so that what it replaced finds something to yield to.
            length = entry.Header.Write(header);
            life = Math.Max(isReplay ? tombstoneLife : 1, entry.ExpiresAt - now);
            body = payload.Memory;
        }
        else
        {
            length = EntryHeader.Tombstone(entry.Header.Stamp).Write(header);
        }

        ReadOnlyMemory<byte>[] arguments =
        [
            PageKeys.Root(entry.Key.Prefix),
            isReplay ? "1"u8.ToArray() : "0"u8.ToArray(),
            header.AsMemory(0, length),
            ReplayCommand.Number(life),
            ReplayCommand.Number(tombstoneLife),
            body,
            .. tags.Select(static tag => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(tag)),
        ];
        return commands.RunAsync(PageScripts.Set, entry.Key, arguments, CallMode.Asynchronous, cancellationToken);
    }

    /// <summary>Sends a step of an eviction.</summary>
    public static ValueTask<Reply> Evict(IEntryCommands commands, LocalEntry eviction, LocalStore store, EvictionStep step, CancellationToken cancellationToken) =>
        commands.RunAsync(
            PageScripts.Evict,
            eviction.Key,
            [
                PageKeys.Root(eviction.Key.Prefix),
                Encoding.UTF8.GetBytes(PageKeys.TagOf(eviction.Key)),
                eviction.Header.Stamp.ToBytes(),
                ReplayCommand.Number((long)store.Limits.TombstoneLife.TotalMilliseconds),
                ReplayCommand.Number(step == EvictionStep.Replay ? ReplayedStep : LiveStep),
                step switch
                {
                    EvictionStep.First => "first"u8.ToArray(),
                    EvictionStep.Next => "next"u8.ToArray(),
                    _ => "replay"u8.ToArray(),
                },
            ],
            CallMode.Asynchronous,
            cancellationToken);
}
