namespace ShardedCache.LoadLab.Workers;

/// <summary>What the workers configure and the verdict holds them to.</summary>
internal static class Promised
{
    public static readonly TimeSpan OperationTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Sweeps and schedulers may take that much more.</summary>
    public static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(50);

    public static readonly TimeSpan InFlight = OperationTimeout + Slack;
}
