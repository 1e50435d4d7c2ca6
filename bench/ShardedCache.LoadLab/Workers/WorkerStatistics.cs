namespace ShardedCache.LoadLab.Workers;

/// <summary>What a worker tells of itself at the end, beside its operations.</summary>
internal sealed record WorkerStatistics
{
    /// <summary>After a full collection, without what the worker records.</summary>
    public required long ManagedBytes { get; init; }

    /// <summary>Lines at Information and above, by event id.</summary>
    public required IReadOnlyDictionary<int, int> LogLines { get; init; }

    public required IReadOnlyList<string> FirstLogLines { get; init; }

    public required IReadOnlyList<string> UnobservedExceptions { get; init; }

    /// <summary>How late the load was at worst in starting an operation: the worker itself was not scheduled, or a call blocked it.</summary>
    public required double LatestStartMilliseconds { get; init; }

    /// <summary>Operations that were left out because the worker was too late for them.</summary>
    public required long Skipped { get; init; }
}
