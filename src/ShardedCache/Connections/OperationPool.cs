using System.Collections.Concurrent;

namespace ShardedCache.Connections;

/// <summary>
/// Operations that wait for their next life; what exceeds the bound is left to the garbage collector. A thread keeps one for
/// itself, because whoever gets a reply often asks at once again.
/// </summary>
internal static class OperationPool<T>
    where T : class, new()
{
    private const int Capacity = 4096;

    private static readonly ConcurrentQueue<T> Free = new();
    private static int _count;

    [ThreadStatic]
    private static T? _own;

    public static T Rent()
    {
        if (_own is { } own)
        {
            _own = null;
            return own;
        }

        if (!Free.TryDequeue(out var operation))
        {
            return new T();
        }

        Interlocked.Decrement(ref _count);
        return operation;
    }

    public static void Return(T operation)
    {
        if (_own is null)
        {
            _own = operation;
            return;
        }

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
