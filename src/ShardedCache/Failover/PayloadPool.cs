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
    private const int LargestBits = 16;

    /// <summary>What is kept of each size, in bytes.</summary>
    private const int KeptBytes = 16 * 1024 * 1024;

    /// <summary>What each thread keeps of each size for itself: a write gives back what it replaces, so most take from there.</summary>
    private const int KeptBytesOfThread = 64 * 1024;

    private static readonly BoundedPool<byte[]>[] Classes =
        [.. Enumerable.Range(SmallestBits, LargestBits - SmallestBits + 1).Select(static bits => new BoundedPool<byte[]>(KeptBytes >> bits))];

    [ThreadStatic]
    private static Stack<byte[]>[]? _ofThread;

    private static Stack<byte[]>[] OfThread => _ofThread ??= [.. Classes.Select(static _ => new Stack<byte[]>())];

    /// <summary>An array of at least this length.</summary>
    public static byte[] Rent(int length)
    {
        if (length > 1 << LargestBits)
        {
            return new byte[length];
        }

        var index = ClassOf(length);
        return OfThread[index].TryPop(out var array) || Classes[index].TryRent(out array) ? array : new byte[1 << (index + SmallestBits)];
    }

    /// <param name="array">From <see cref="Rent"/>.</param>
    /// <param name="length">As it was asked for: the array itself is in no processor's cache any more.</param>
    public static void Return(byte[] array, int length)
    {
        if (length is 0 or > 1 << LargestBits)
        {
            return;
        }

        var index = ClassOf(length);
        var mine = OfThread[index];
        if (mine.Count < KeptBytesOfThread >> (index + SmallestBits))
        {
            mine.Push(array);
        }
        else
        {
            Classes[index].Return(array);
        }
    }

    private static int ClassOf(int length) => Math.Max(0, BitOperations.Log2((uint)Math.Max(1, length - 1)) + 1 - SmallestBits);
}
