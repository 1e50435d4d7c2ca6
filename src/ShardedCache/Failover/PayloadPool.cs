using System.Numerics;
using ShardedCache.Connections;

namespace ShardedCache.Failover;

/// <summary>
/// Memory for payload copies. The shared pool of .NET keeps some dozens of arrays of a size, where a journal in its steady state holds
/// thousands at once: nearly every copy would be a new array that survives long enough to be moved by the garbage collector.
/// </summary>
internal static class PayloadPool
{
    private const int SmallestBits = 6;

    /// <summary>Up to this the arrays of a size are kept by themselves; larger ones share what is kept of all of them.</summary>
    private const int SmallBits = 16;

    private const int LargestBits = 24;

    /// <summary>What is kept of each small size, in bytes.</summary>
    private const int KeptBytes = 16 * 1024 * 1024;

    /// <summary>What is kept of all large sizes: as much as a journal holds by default. Each new one would come from the large-object heap.</summary>
    private const int KeptLargeBytes = 64 * 1024 * 1024;

    /// <summary>What each thread keeps of each size for itself: a write gives back what it replaces, so most take from there.</summary>
    private const int KeptBytesOfThread = 64 * 1024;

    private static readonly BoundedPool<byte[]>[] Classes = [.. Enumerable.Range(SmallestBits, LargestBits - SmallestBits + 1)
        .Select(static bits => new BoundedPool<byte[]>((bits <= SmallBits ? KeptBytes : KeptLargeBytes) >> bits))];

    private static long _keptLarge;

    [ThreadStatic]
    private static Stack<byte[]>[]? _ofThread;

    private static Stack<byte[]>[] OfThread => _ofThread ??= [.. Classes.Select(static _ => new Stack<byte[]>())];

    /// <summary>Whether an array that was rented for the one length has the size for the other.</summary>
    public static bool AreOfOneSize(int length, int other) => IsPooled(length) && IsPooled(other) && ClassOf(length) == ClassOf(other);

    /// <summary>An array of at least this length.</summary>
    public static byte[] Rent(int length)
    {
        if (length > 1 << LargestBits)
        {
            return new byte[length];
        }

        var index = ClassOf(length);
        if (OfThread[index].TryPop(out var array))
        {
            return array;
        }

        if (!Classes[index].TryRent(out array))
        {
            return new byte[1 << (index + SmallestBits)];
        }

        if (array.Length > 1 << SmallBits)
        {
            Interlocked.Add(ref _keptLarge, -array.Length);
        }

        return array;
    }

    /// <param name="array">From <see cref="Rent"/>.</param>
    /// <param name="length">As it was asked for: the array itself is in no processor's cache any more.</param>
    public static void Return(byte[] array, int length)
    {
        if (!IsPooled(length))
        {
            return;
        }

        var index = ClassOf(length);
        var mine = OfThread[index];
        if (mine.Count < KeptBytesOfThread >> (index + SmallestBits))
        {
            mine.Push(array);
        }
        else if (length <= 1 << SmallBits)
        {
            Classes[index].Return(array);
        }
        else if (Interlocked.Add(ref _keptLarge, array.Length) <= KeptLargeBytes || TryDropOthers(index))
        {
            Classes[index].Return(array);
        }
        else
        {
            Interlocked.Add(ref _keptLarge, -array.Length);
        }
    }

    /// <summary>What is given back now is what is asked for now: it takes the room of other sizes. False where there is nothing of them.</summary>
    private static bool TryDropOthers(int index)
    {
        for (var other = SmallBits + 1 - SmallestBits; other < Classes.Length; other++)
        {
            while (other != index && Classes[other].TryRent(out var dropped))
            {
                if (Interlocked.Add(ref _keptLarge, -dropped.Length) <= KeptLargeBytes)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool IsPooled(int length) => length is > 0 and <= 1 << LargestBits;

    private static int ClassOf(int length) => Math.Max(0, BitOperations.Log2((uint)Math.Max(1, length - 1)) + 1 - SmallestBits);
}
