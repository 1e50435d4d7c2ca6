using ShardedCache.Connections;

namespace ShardedCache.Entries;

/// <summary>Readers for reuse.</summary>
internal sealed class EntryReaderPool
{
    public EntryReader Rent() => Pool<EntryReader>.Rent();

    /// <summary>
    /// Takes a reader back after a read that got its reply. One whose read timed out or was cancelled is better dropped:
    /// should a transport still write to it, no other read may see that.
    /// </summary>
    public void Return(EntryReader reader)
    {
        reader.End();
        Pool<EntryReader>.Return(reader);
    }
}
