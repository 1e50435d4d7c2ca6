using System.Text.Json;

namespace ShardedCache.LoadLab.Workers;

/// <summary>What the orchestrator tells a client process, as JSON in its argument.</summary>
internal sealed record WorkerSettings
{
    /// <summary>0 to <see cref="Workers"/> - 1 make load; a greater one only reads, at the end.</summary>
    public required int Process { get; init; }

    public required int Workers { get; init; }

    public required string ConnectionString { get; init; }

    public required IReadOnlyList<string> Shards { get; init; }

    /// <summary>Name of the failover mode; null for the product's default.</summary>
    public string? Mode { get; init; }

    /// <summary>Name of the transport; null for the product's default.</summary>
    public string? Transport { get; init; }

    /// <summary>Calls per second that its record has room for.</summary>
    public int HighestRate { get; init; } = 1500;

    public int HotKeys { get; init; } = 300;

    public int WideKeys { get; init; } = 1500;

    public int SharedKeys { get; init; } = 60;

    /// <summary>How far this process's wall clock is off.</summary>
    public int ClockOffsetMilliseconds { get; init; }

    public int Seed { get; init; } = 1;

    /// <summary>Bounds the record of operations.</summary>
    public int LongestSeconds { get; init; } = 120;

    public string ToJson() => JsonSerializer.Serialize(this);

    public static WorkerSettings Parse(string json) => JsonSerializer.Deserialize<WorkerSettings>(json) ?? throw new FormatException("no settings");
}
