namespace ShardedCache.Sentinels;

/// <summary>The times of asking Sentinels, in one place.</summary>
internal sealed record SentinelTimings
{
    public static SentinelTimings Default { get; } = new();

    /// <summary>How often each Sentinel is asked when nothing happens.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often each Sentinel is asked while a failover may be under way: a Sentinel may not let us listen.</summary>
    public TimeSpan PollInTrouble { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long a shard counts as in trouble after the last hint or broken connection.</summary>
    public TimeSpan Trouble { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The least time between two questions to one Sentinel: a failover brings dozens of hints at once.</summary>
    public TimeSpan Gap { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a Sentinel may take for its answer.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How often replicas and other Sentinels are asked for when nothing happens; in trouble with every <see cref="Poll"/>.</summary>
    public TimeSpan Topology { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a majority must agree before its word counts against a newer epoch.</summary>
    public TimeSpan Reversal { get; init; } = TimeSpan.FromSeconds(10);
}
