using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>An atomic operation over keys of one group: it is replayed as one, too.</summary>
internal sealed class GroupOperation(StoredKey index, StoredKey removal, Stamp stamp, bool isRemovalOfAll)
{
    /// <summary>The key of the group's member index.</summary>
    public StoredKey Index => index;

    /// <summary>The key of the stamp at which the whole group was last removed.</summary>
    public StoredKey Removal => removal;

    public Stamp Stamp { get; private set; } = stamp;

    public bool IsRemovalOfAll => isRemovalOfAll;

    /// <summary>What it wrote; those that were overwritten since are detached.</summary>
    public List<LocalEntry> Entries { get; } = [];

    /// <summary>The writing of one member by itself, as of its own stamp.</summary>
    public static GroupOperation Of(LocalEntry member) => new(
        member.Key with { Name = GroupKeys.IndexForKey(member.Key.Name)! },
        member.Key with { Name = GroupKeys.RemovalForKey(member.Key.Name)! },
        member.Header.Stamp,
        isRemovalOfAll: false)
    {
        Entries = { member },
    };

    /// <summary>Moves it to another clock, as its entries are.</summary>
    public void Shift(long microseconds) => Stamp = Stamp.Plus(microseconds);
}
