namespace ShardedCache.LoadLab.Workers;

/// <summary>
/// The cache's options in a worker: the product's defaults, so that these are what is tested; but for the largest entry that is kept, as
/// of larger ones nothing is promised in an outage.
/// </summary>
internal static class WorkerOptions
{
    public static void Apply(ShardedRedisCacheOptions options, WorkerSettings settings)
    {
        options.Configuration = settings.ConnectionString;
        options.LocalTierMaxEntrySize = Payload.Longest;
        options.OperationTimeout = Promised.OperationTimeout;
        if (settings.Mode is { } mode)
        {
            options.FailoverMode = Enum.Parse<FailoverMode>(mode);
        }

        if (settings.Transport is { } transport)
        {
            options.Transport = Enum.Parse<ShardTransport>(transport);
        }
    }
}
