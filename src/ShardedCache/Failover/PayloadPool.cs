using System.Collections.Concurrent;
using System.Numerics;

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

    private static readonly SizeClass[] Classes = [.. Enumerable.Range(SmallestBits, LargestBits - SmallestBits + 1).Select(static bits => new SizeClass(1 << bits))];

    /// <summary>An array of at least this length.</summary>
    public static byte[] Rent(int length) => length > 1 << LargestBits ? new byte[length] : Classes[ClassOf(length)].Rent();

    public static void Return(byte[] array)
    {
        if (array.Length is > 0 and <= 1 << LargestBits)
        {
            Classes[ClassOf(array.Length)].Return(array);
        }
    }

    private static int ClassOf(int length) => Math.Max(0, BitOperations.Log2((uint)Math.Max(1, length - 1)) + 1 - SmallestBits);

    private sealed class SizeClass(int size)
    {
        private readonly ConcurrentQueue<byte[]> _free = new();
        private int _count;

        public byte[] Rent()
        {
            if (!_free.TryDequeue(out var array))
            {
                return new byte[size];
            }

            Interlocked.Decrement(ref _count);
            return array;
        }

        public void Return(byte[] array)
        {
            if (Interlocked.Increment(ref _count) <= KeptBytes / size)
            {
                _free.Enqueue(array);
            }
            else
            {
                Interlocked.Decrement(ref _count);
            }
        }
    }
}
