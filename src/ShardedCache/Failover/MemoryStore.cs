namespace ShardedCache.Failover;

/// <summary>
/// Entries in this process's memory, bounded in bytes: beyond the bound the entries used longest ago are dropped. Knows
/// their expiration, and is safe for any number of threads: every member takes one short lock.
/// </summary>
internal sealed class MemoryStore(long sizeLimit, TimeProvider time)
{
    // What an entry costs beside its key and value: the dictionary's slot, the list's node and the objects' headers.
    public const int OverheadPerEntry = 200;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = new(StringComparer.Ordinal);

    // The entry used last is first.
    private readonly LinkedList<Entry> _byUse = new();
    private long _size;

    public long Size
    {
        get
        {
            lock (_lock)
            {
                return _size;
            }
        }
    }

    /// <summary>Gets the value, which nobody may change, and prolongs its sliding window.</summary>
    public byte[]? Get(string key)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var node))
            {
                return null;
            }

            var now = time.GetUtcNow();
            if (node.Value.ExpiresAt <= now)
            {
                Drop(node);
                return null;
            }

            node.Value.Touch(now);
            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return node.Value.Value;
        }
    }

    /// <summary>Keeps the value, which nobody may change any more; drops it, and what it replaces, where it alone is beyond the bound.</summary>
    public void Set(string key, byte[] value, DateTimeOffset absolute, TimeSpan? sliding)
    {
        var entry = new Entry(key, value, absolute, sliding);
        entry.Touch(time.GetUtcNow());
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var replaced))
            {
                Drop(replaced);
            }

            if (entry.Size > sizeLimit)
            {
                return;
            }

            _size += entry.Size;
            _entries.Add(key, _byUse.AddFirst(entry));
            while (_size > sizeLimit)
            {
                Drop(_byUse.Last!);
            }
        }
    }

    public void Remove(string key)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var node))
            {
                Drop(node);
            }
        }
    }

    private void Drop(LinkedListNode<Entry> node)
    {
        _size -= node.Value.Size;
        _entries.Remove(node.Value.Key);
        _byUse.Remove(node);
    }

    private sealed class Entry(string key, byte[] value, DateTimeOffset absolute, TimeSpan? sliding)
    {
        public string Key => key;

        public byte[] Value => value;

        public long Size => OverheadPerEntry + ((long)key.Length * sizeof(char)) + value.Length;

        public DateTimeOffset ExpiresAt { get; private set; }

        public void Touch(DateTimeOffset now) =>
            ExpiresAt = sliding is { } window && window < absolute - now ? now + window : absolute;
    }
}
