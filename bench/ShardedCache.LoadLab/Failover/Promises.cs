using ShardedCache.LoadLab.Workers;

namespace ShardedCache.LoadLab.Failover;

/// <summary>What a scenario holds the cache to, beyond what all do.</summary>
internal sealed record Promises
{
    /// <summary>Only operations in flight at the moment of failure may wait, and these so long at most.</summary>
    public TimeSpan MaxGap { get; init; } = Promised.InFlight;

    /// <summary>False where the process itself stands still or has nothing to begin with: reads can't be answered then.</summary>
    public bool GapCounts { get; init; } = true;

    /// <summary>Connections to one server, of one process.</summary>
    public int ConnectionsPerServer { get; init; } = 4;

    /// <summary>Lines of one process at Information and above, for each thing that was broken: one for each transition, not for each operation.</summary>
    public int LogLinesPerFault { get; init; } = 30;

    public int LogLinesAtLeast { get; init; } = 60;
}
