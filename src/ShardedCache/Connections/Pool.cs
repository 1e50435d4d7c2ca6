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

    private static readonly BoundedPool<T> Shared = new(OfAll);

    [ThreadStatic]
    private static Stack<T>? _mine;

    public static T Rent() =>
        _mine is { } mine && mine.TryPop(out var item) ? item
        : Shared.TryRent(out item) ? item
        : new T();

    public static void Return(T item)
    {
        var mine = _mine ??= new Stack<T>(OfThread);
        if (mine.Count < OfThread)
        {
            mine.Push(item);
        }
        else
        {
            Shared.Return(item);
        }
    }
}
