using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace ShardedCache.Connections;

/// <summary>What waits for its next life, for all threads; beyond the capacity it is left to the garbage collector.</summary>
internal sealed class BoundedPool<T>(int capacity)
    where T : class
{
    private readonly ConcurrentQueue<T> _free = new();
    private int _count;

    public bool TryRent([NotNullWhen(true)] out T? item)
    {
        if (!_free.TryDequeue(out item))
        {
            return false;
        }

        Interlocked.Decrement(ref _count);
        return true;
    }

    public void Return(T item)
    {
        if (Interlocked.Increment(ref _count) <= capacity)
        {
            _free.Enqueue(item);
        }
        else
        {
            Interlocked.Decrement(ref _count);
        }
    }
}
