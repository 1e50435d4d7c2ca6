using ShardedCache.LoadLab.History;
using ShardedCache.LoadLab.Workers;

namespace ShardedCache.LoadLab.Failover;

/// <summary>All that was recorded in a run.</summary>
internal sealed record Recording
{
    public required IReadOnlyList<Operation> Operations { get; init; }

    /// <summary>Texts of errors, by process.</summary>
    public required IReadOnlyDictionary<byte, string[]> Errors { get; init; }

    public required FaultTimes Times { get; init; }

    public required long Start { get; init; }

    public required long End { get; init; }

    public required IReadOnlyList<WorkerStatistics> Statistics { get; init; }

    public required int Processes { get; init; }

    public required int MostConnections { get; init; }

    /// <summary>What workers and orchestrator had to complain about.</summary>
    public required IReadOnlyList<string> Complaints { get; init; }

    public string ErrorOf(Operation operation) => Errors[operation.Process] is var errors && operation.Error < errors.Length ? errors[operation.Error] : "?";
}
