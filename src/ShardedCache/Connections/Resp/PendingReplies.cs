using System.Numerics;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// The operations that await their replies, in the order of their commands: a ring. One thread at a time adds, under the
/// sender's lock; one takes, the receiver. Others look.
/// </summary>
internal sealed class PendingReplies
{
    private static long _sequences;

    private Slot[] _ring = new Slot[256];
    private long _end;
    private long _start;

    // No two connections share a sequence: who finds an operation at its old place here must not take it for its next life elsewhere.
    public PendingReplies() => _start = _end = Interlocked.Add(ref _sequences, 1L << 40);

    /// <summary>The sequence of the oldest one.</summary>
    public long Start => Volatile.Read(ref _start);

    /// <summary>The sequence that the next one will have.</summary>
    public long End => Volatile.Read(ref _end);

    /// <summary>Makes room for so many to be added, which then cannot fail. False when there are too many.</summary>
    public bool TryMakeRoom(int count)
    {
        var needed = _end - Start + count;
        if (needed > _ring.Length)
        {
            if (needed > RespLimits.MostPending)
            {
                return false;
            }

            Grow((int)BitOperations.RoundUpToPowerOf2((uint)needed));
        }

        return true;
    }

    /// <summary>Where room was made before.</summary>
    public void Add(RespOperation operation)
    {
        var end = _end;
        operation.Sequence = end;
        _ring[end & (_ring.Length - 1)].Operation = operation;
        Volatile.Write(ref _end, end + 1);
    }

    /// <summary>The oldest one, or null when none is awaited. For the receiver alone.</summary>
    public RespOperation? Oldest() => _start == End ? null : At(_start);

    /// <summary>Removes the oldest one. For the receiver alone.</summary>
    public void RemoveOldest()
    {
        var ring = Volatile.Read(ref _ring);
        ring[_start & (ring.Length - 1)].Operation = null;
        Volatile.Write(ref _start, _start + 1);
    }

    /// <summary>Abandons those that are still free, from one sequence to before another.</summary>
    public void Abandon(long from, long end, ReplyKind outcome)
    {
        for (var sequence = Math.Max(from, Start); sequence < end; sequence++)
        {
            if (At(sequence) is { } operation && operation.TryClaim(sequence))
            {
                operation.Abandon(outcome);
            }
        }
    }

    // A ring that has just been replaced holds the same at this place.
    private RespOperation? At(long sequence)
    {
        var ring = Volatile.Read(ref _ring);
        return ring[sequence & (ring.Length - 1)].Operation;
    }

    private void Grow(int length)
    {
        var larger = new Slot[length];
        for (var sequence = Start; sequence < _end; sequence++)
        {
            larger[sequence & (larger.Length - 1)] = _ring[sequence & (_ring.Length - 1)];
        }

        Volatile.Write(ref _ring, larger);
    }

    /// <summary>A structure, because storing into an array of references checks the type each time.</summary>
    private struct Slot
    {
        public RespOperation? Operation;
    }
}
