using System.Text.Json;
using System.Text.Json.Serialization;

namespace ShardedCache.LoadLab.Failover;

/// <summary>The figures of one run, as the JSON file holds them.</summary>
internal sealed record ScenarioReport
{
    public static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public required string Scenario { get; init; }

    public string Mode { get; init; } = "default";

    /// <summary>Null when it ran; else why it could not.</summary>
    public string? NotRunnable { get; init; }

    /// <summary>What did not hold; empty when all did.</summary>
    public IReadOnlyList<string> Failures { get; init; } = [];

    public int Seed { get; init; }

    public long Operations { get; init; }

    /// <summary>Sets and removals that returned.</summary>
    public long Acknowledged { get; init; }

    public int Lost { get; init; }

    public int Resurrected { get; init; }

    public int Stale { get; init; }

    public int Errors { get; init; }

    public double GapMs { get; init; }

    public double MaxMs { get; init; }

    /// <summary>0 where there is nothing to compare: no shard stayed healthy, or it was broken from the start.</summary>
    public double HealthyP99Ratio { get; init; }

    public int Missed { get; init; }

    public int WrongBytes { get; init; }

    /// <summary>Lost with every copy of their shard.</summary>
    public int Unavoidable { get; init; }

    /// <summary>Errors that the scenario provokes by misconfiguration.</summary>
    public int AllowedErrors { get; init; }

    public int Hung { get; init; }

    public double SlowShareFailed { get; init; }

    public double SlowShareHealthy { get; init; }

    public double SlowShareAllowed { get; init; }

    public double? PromotionMs { get; init; }

    /// <summary>From the last failure until every worker's writes reach every master again.</summary>
    public double RecoveredMs { get; init; }

    /// <summary>How late the load was at worst in starting an operation; near the latencies, those are the machine's.</summary>
    public double LatestStartMs { get; init; }

    public double Seconds { get; init; }

    public int MostConnectionsToOneServer { get; init; }

    public IReadOnlyList<long> ManagedBytes { get; init; } = [];

    /// <summary>By event id, of all workers.</summary>
    public IReadOnlyDictionary<int, int> LogLines { get; init; } = new Dictionary<int, int>();

    public IReadOnlyList<string> Notes { get; init; } = [];

    public IReadOnlyDictionary<string, IReadOnlyList<string>> Examples { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>All that happened to the first keys with which something is wrong.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<string>> Histories { get; init; } = new Dictionary<int, IReadOnlyList<string>>();

    public IReadOnlyList<string> Log { get; init; } = [];

    [JsonIgnore]
    public bool Holds => NotRunnable is null && Failures.Count == 0;
}
