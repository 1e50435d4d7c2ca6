namespace ShardedCache.Tests;

internal static class Allocations
{
    /// <summary>
    /// Bytes that the action allocates on this thread: the least of five counts, for a collection that falls within one, such as
    /// another test's, adds what the thread had left of the memory that it was given.
    /// </summary>
    public static long Of(Action action) => Enumerable.Range(0, 5).Min(_ =>
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    });
}
