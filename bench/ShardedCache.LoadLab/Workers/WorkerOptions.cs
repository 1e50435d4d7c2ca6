namespace ShardedCache.LoadLab.Workers;

/// <summary>The cache's options in a worker.</summary>
internal static class WorkerOptions
{
    public static void Apply(ShardedRedisCacheOptions options, WorkerSettings settings)
    {
        options.Configuration = settings.ConnectionString;
        options.OperationTimeout = Promised.OperationTimeout;
    }
}
