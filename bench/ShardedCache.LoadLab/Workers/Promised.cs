namespace ShardedCache.LoadLab.Workers;

/// <summary>What the workers configure and the verdict holds them to.</summary>
internal static class Promised
{
    public static readonly TimeSpan OperationTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Sweeps and schedulers may take that much more.</summary>
    public static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(50);

    /// <summary>The master's time-out, and a tenth of it for a replica that is silent as well.</summary>
    public static readonly TimeSpan InFlight = (OperationTimeout * 1.1) + Slack;
}
