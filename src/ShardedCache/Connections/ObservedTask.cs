namespace ShardedCache.Connections;

internal static class ObservedTask
{
    /// <summary>Whoever waits for it may have gone: its failure is then nobody's.</summary>
    public static void Observe(this Task task) =>
        task.ContinueWith(static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
