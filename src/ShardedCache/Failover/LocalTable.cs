using System.Diagnostics;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>
/// Entries by the names of their keys: open addressing with linear probing, and deletion that leaves no gap (Knuth, The Art of Computer
/// Programming, volume 3, section 6.4, algorithms L and R). The hash stands beside the entry, so a place is found by one access to memory,
/// which can be begun ahead of the search, where a dictionary of .NET needs two, one after the other. So does what nearly all reads need to know:
/// such a read does not touch the entry itself, and needs no lock.
/// </summary>
/// <remarks>
/// Guarded by who has it, but for <see cref="Prefetch"/>, <see cref="Seek"/> and <see cref="TryLook"/>. What the last reads while it changes is seen by sequence locks
/// (C. Lameter, "Effective Synchronization on Linux/NUMA Systems", 2005), one for each place and one for all that moves.
/// </remarks>
internal sealed class LocalTable
{
    private const int Smallest = 16;

    // At most three quarters full: the smaller it is, the fewer pages of memory its places are on. Its length is a power of two.
    private Slot[] _slots = new Slot[Smallest];

    // The array's own length lies with its first slots, which are as far away as any other.
    private int _mask = Smallest - 1;

    // Odd while places move.
    private int _moves;

    public int Count { get; private set; }

    /// <summary>Differs from process to process: nobody can choose keys that meet in one place.</summary>
    public static int HashOf(string name) => string.GetHashCode(name, StringComparison.Ordinal);

    /// <summary>Brings the place of this hash into the processor's cache.</summary>
    public void Prefetch(int hash)
    {
        // In this order: an array is never smaller than the mask that was there before it.
        var mask = Volatile.Read(ref _mask);
        ProcessorCache.PrefetchElement(_slots, hash & mask);
    }

    /// <summary>
    /// What is very probably known under the name of that hash, as <see cref="Tell"/> was told last; nothing: the default. False where the table
    /// is changing just then; under its lock it never is.
    /// </summary>
    public bool TryLook(int hash, out (Stamp Stamp, long ConfirmedAt) known)
    {
        known = default;
        var moves = Volatile.Read(ref _moves);
        var slots = Volatile.Read(ref _slots);
        var mask = slots.Length - 1;
        for (var at = hash & mask; Volatile.Read(ref slots[at].Entry) is not null; at = (at + 1) & mask)
        {
            if (Volatile.Read(ref slots[at].Hash) == hash)
            {
                return slots[at].TryRead(out known) && IsUnmoved(moves);
            }
        }

        return IsUnmoved(moves);
    }

    /// <summary>Takes over what a read needs to know of an entry, which has to be in the table.</summary>
    public void Tell(LocalEntry entry)
    {
        Debug.Assert(!entry.IsDetached, "An entry that is not in the table would be sought for ever.");
        var slots = _slots;
        var mask = slots.Length - 1;
        var at = entry.Hash & mask;
        while (!ReferenceEquals(slots[at].Entry, entry))
        {
            at = (at + 1) & mask;
        }

        slots[at].Tell(entry);
    }

    /// <summary>What is very probably the entry of that name, which is not looked at; null where there very probably is none. Needs no lock.</summary>
    public LocalEntry? Seek(int hash)
    {
        var slots = Volatile.Read(ref _slots);
        var mask = slots.Length - 1;
        for (var at = hash & mask; Volatile.Read(ref slots[at].Entry) is { } entry; at = (at + 1) & mask)
        {
            if (Volatile.Read(ref slots[at].Hash) == hash)
            {
                return entry;
            }
        }

        return null;
    }

    public LocalEntry? Find(string name) => _slots[PlaceOf(name, HashOf(name))].Entry;

    /// <summary>Returns the entry that this one replaces.</summary>
    public LocalEntry? Set(LocalEntry entry)
    {
        var (name, hash) = (entry.Key.Name, HashOf(entry.Key.Name));
        var at = PlaceOf(name, hash);
        var replaced = _slots[at].Entry;
        if (replaced is null && ++Count > _slots.Length / 4 * 3)
        {
            Grow();
            at = PlaceOf(name, hash);
        }

        entry.Hash = hash;
        _slots[at].Set(entry);
        return replaced;
    }

    public void Remove(string name)
    {
        var mask = _slots.Length - 1;
        var gap = PlaceOf(name, HashOf(name));
        if (_slots[gap].Entry is null)
        {
            return;
        }

        Count--;
        Move();
        for (var at = (gap + 1) & mask; _slots[at].Entry is not null; at = (at + 1) & mask)
        {
            // Whoever would not be found beyond the gap moves into it.
            if (((at - _slots[at].Hash) & mask) >= ((at - gap) & mask))
            {
                _slots[gap] = _slots[at];
                gap = at;
            }
        }

        _slots[gap] = default;
        Move();
    }

    private bool IsUnmoved(int since) => (since & 1) == 0 && Volatile.Read(ref _moves) == since;

    private void Move() => Interlocked.Increment(ref _moves);

    /// <summary>Where the entry of that name is, or would be.</summary>
    private int PlaceOf(string name, int hash)
    {
        var slots = _slots;
        var mask = slots.Length - 1;
        var at = hash & mask;
        while (slots[at].Entry is { } entry && !(slots[at].Hash == hash && entry.Key.Name == name))
        {
            at = (at + 1) & mask;
        }

        return at;
    }

    private void Grow()
    {
        var grown = new Slot[_slots.Length * 2];
        var mask = grown.Length - 1;
        foreach (var slot in _slots)
        {
            if (slot.Entry is not null)
            {
                var at = slot.Hash & mask;
                while (grown[at].Entry is not null)
                {
                    at = (at + 1) & mask;
                }

                grown[at] = slot;
            }
        }

        Volatile.Write(ref _slots, grown);
        Volatile.Write(ref _mask, mask);
    }

    private struct Slot
    {
        public LocalEntry? Entry;
        public int Hash;
        private ulong _stamp;
        private long _confirmedAt;

        // Odd while it changes.
        private int _changes;

        // Each volatile write comes after those before it.
        public void Tell(LocalEntry entry)
        {
            Volatile.Write(ref _changes, _changes + 1);
            Volatile.Write(ref _stamp, entry.Header.Stamp.Value);
            Volatile.Write(ref _confirmedAt, entry.ConfirmedAt);
            Volatile.Write(ref _changes, _changes + 1);
        }

        public void Set(LocalEntry entry)
        {
            Tell(entry);
            Hash = entry.Hash;
            Volatile.Write(ref Entry, entry);
        }

        public bool TryRead(out (Stamp Stamp, long ConfirmedAt) known)
        {
            var changes = Volatile.Read(ref _changes);
            known = (new(Volatile.Read(ref _stamp)), Volatile.Read(ref _confirmedAt));
            return (changes & 1) == 0 && Volatile.Read(ref _changes) == changes;
        }
    }
}
