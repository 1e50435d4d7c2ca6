namespace ShardedCache.Entries;

/// <summary>Readers for reuse: a fixed number of places, each taken and filled by one exchange.</summary>
internal sealed class EntryReaderPool
{
    private readonly EntryReader?[] _idle = new EntryReader?[Environment.ProcessorCount * 4];

    public EntryReader Rent()
    {
        for (var i = 0; i < _idle.Length; i++)
        {
            if (Volatile.Read(ref _idle[i]) is not null && Interlocked.Exchange(ref _idle[i], null) is { } reader)
            {
                return reader;
            }
        }

        return new EntryReader();
    }

    /// <summary>
    /// Takes a reader back after a read that got its reply. One whose read timed out or was cancelled is better dropped:
    /// should a transport still write to it, no other read may see that.
    /// </summary>
    public void Return(EntryReader reader)
    {
        reader.End();
        for (var i = 0; i < _idle.Length; i++)
        {
            if (Interlocked.CompareExchange(ref _idle[i], reader, null) is null)
            {
                return;
            }
        }
    }
}
