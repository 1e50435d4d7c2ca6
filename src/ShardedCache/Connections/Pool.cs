using System.Collections.Concurrent;

namespace ShardedCache.Connections;

/// <summary>
/// Objects that wait for their next life: some with each thread, which mostly gives back what it has taken, and some for all. What
/// exceeds the bounds is left to the garbage collector.
/// </summary>
internal static class Pool<T>
    where T : class, new()
{
    private const int OfThread = 32;
    private const int OfAll = 2048;

    private static readonly ConcurrentQueue<T> Shared = new();
    private static int _shared;

    [ThreadStatic]
    private static Stack<T>? _mine;

    public static T Rent()
    {
        if (_mine is { } mine && mine.TryPop(out var item))
        {
            return item;
        }

        if (!Shared.TryDequeue(out item))
        {
            return new T();
        }

        Interlocked.Decrement(ref _shared);
        return item;
    }

    public static void Return(T item)
    {
        var mine = _mine ??= new Stack<T>(OfThread);
        if (mine.Count < OfThread)
        {
            mine.Push(item);
        }
        else if (Interlocked.Increment(ref _shared) <= OfAll)
        {
            Shared.Enqueue(item);
        }
        else
        {
            Interlocked.Decrement(ref _shared);
        }
    }
}
