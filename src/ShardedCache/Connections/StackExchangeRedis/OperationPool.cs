using System.Collections.Concurrent;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>Operations that wait for their next life; what exceeds the bound is left to the garbage collector.</summary>
internal static class OperationPool<T>
    where T : EntryOperation, new()
{
    private const int Capacity = 1024;

    private static readonly ConcurrentQueue<T> Free = new();
    private static int _count;

    public static T Rent()
    {
        if (!Free.TryDequeue(out var operation))
        {
            return new T();
        }

        Interlocked.Decrement(ref _count);
        return operation;
    }

    public static void Return(T operation)
    {
        if (Interlocked.Increment(ref _count) <= Capacity)
        {
            Free.Enqueue(operation);
        }
        else
        {
            Interlocked.Decrement(ref _count);
        }
    }
}
