namespace ShardedCache.LoadLab.Failover;

/// <summary>How a scenario is run.</summary>
internal sealed record RunSettings
{
    /// <summary>The load lasts so long, or longer where the scenario needs it.</summary>
    public double Seconds { get; init; } = 10;

    /// <summary>Name of the failover mode; null for the product's default.</summary>
    public string? Mode { get; init; }

    /// <summary>Name of the transport; null for the product's default.</summary>
    public string? Transport { get; init; }

    public const int DefaultRate = 1500;

    /// <summary>Measure the capacity first, and take <see cref="ShareOfCapacity"/> of it.</summary>
    public const int AutomaticRate = 0;

    public const double ShareOfCapacity = 0.2;

    /// <summary>Calls per second of each of the two workers, or <see cref="AutomaticRate"/>.</summary>
    public int Rate { get; init; } = DefaultRate;

    public int HighestRate => Rate == AutomaticRate ? 10_000 : Rate;

    public int Seed { get; init; } = 1;

    /// <summary>Whether latencies decide, too; on a machine with other work they are only reported.</summary>
    public bool StrictLatency { get; init; }

    public bool IsLocalTier => Mode is null or "LocalTier";

    /// <summary>JIT and first connections.</summary>
    public TimeSpan WarmUp => TimeSpan.FromSeconds(1);

    public TimeSpan Baseline => TimeSpan.FromSeconds(Seconds * 0.3);

    /// <summary>The load goes on so long after everything is healthy.</summary>
    public TimeSpan Settle => TimeSpan.FromSeconds(Math.Max(1.5, Seconds * 0.15));
}
