using ShardedCache.Entries;

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

            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
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
    public void Set(string key, byte[] value, EntryExpiration expiration) => Set([KeyValuePair.Create(key, value)], expiration, null);

    /// <summary>Keeps all the values at once, as members of a group where one is named.</summary>
    public void Set(IReadOnlyList<KeyValuePair<string, byte[]>> entries, EntryExpiration expiration, string? group, string[]? tags = null)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            foreach (var (key, value) in entries)
            {
                if (_entries.TryGetValue(key, out var replaced))
                {
                    Drop(replaced);
                }

                var entry = new Entry(key, value, expiration, group, tags);
                entry.Touch(now);
                if (entry.Size > sizeLimit)
                {
                    continue;
                }

                _size += entry.Size;
                _entries.Add(key, _byUse.AddFirst(entry));
            }

            while (_size > sizeLimit)
            {
                Drop(_byUse.Last!);
            }
        }
    }

    /// <summary>Puts in place of the value, or of none, what <paramref name="change"/> makes of it; nobody comes between.</summary>
    public void Update(string key, Func<byte[]?, byte[]> change, EntryExpiration expiration)
    {
        lock (_lock)
        {
            Set(key, change(Get(key)), expiration);
        }
    }

    /// <summary>Removes all the keys at once.</summary>
    public void Remove(IReadOnlyList<string> keys)
    {
        lock (_lock)
        {
            foreach (var key in keys)
            {
                if (_entries.TryGetValue(key, out var node))
                {
                    Drop(node);
                }
            }
        }
    }

    /// <summary>Removes what was set as a member of the group.</summary>
    public void RemoveGroup(string group)
    {
        lock (_lock)
        {
            foreach (var node in _entries.Values.Where(node => node.Value.Group == group).ToList())
            {
                Drop(node);
            }
        }
    }

    /// <summary>Removes what was set with the tag.</summary>
    public void RemoveTagged(string tag)
    {
        lock (_lock)
        {
            foreach (var node in _entries.Values.Where(node => node.Value.Tags?.Contains(tag, StringComparer.Ordinal) == true).ToList())
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

    private sealed class Entry(string key, byte[] value, EntryExpiration expiration, string? group, string[]? tags)
    {
        public string Key => key;

        public byte[] Value => value;

        public string? Group => group;

        public string[]? Tags => tags;

        public long Size => OverheadPerEntry + ((long)key.Length * sizeof(char)) + value.Length;

        public long ExpiresAt { get; private set; }

        public void Touch(long now) => ExpiresAt = Math.Min(
            expiration.IsAbsolute ? expiration.AbsoluteMilliseconds : long.MaxValue,
            expiration.IsSliding ? now + expiration.SlidingMilliseconds : long.MaxValue);
    }
}
