namespace ShardedCache.LoadLab.History;

/// <summary>A set, a removal, or an operator's flush, of one key.</summary>
/// <param name="Value">What was set; null for a removal.</param>
/// <param name="Process">Who; null for the lab itself.</param>
/// <param name="Start">It took effect at this moment or later.</param>
/// <param name="End">It took effect at this moment or before, if it did.</param>
/// <param name="IsAcknowledged">Whether the caller was told that it succeeded; if not, it may have taken effect all the same.</param>
/// <param name="Absolute">Lifetime in ticks; 0 for none.</param>
/// <param name="Sliding">Sliding window in ticks; 0 for none.</param>
internal sealed record Write(ValueId? Value, byte? Process, long Start, long End, bool IsAcknowledged, long Absolute, long Sliding)
{
    /// <summary>Stamps of two processes follow two calibrations of the shard's clock.</summary>
    public static readonly long SlackBetweenProcesses = Ticks.Of(50);

    /// <summary>What was written shortly before a flush may still be on its way to the server, or be replayed by its writer.</summary>
    public static readonly long SlackAroundFlush = Ticks.Of(1000);

    public bool IsRemoval => Value is null;

    /// <summary>Whether it is certain that this one came first: otherwise either order is right.</summary>
    public bool IsBefore(Write other)
    {
        if (Process == other.Process)
        {
            return End <= other.Start;
        }

        var slack = Process is null || other.Process is null ? SlackAroundFlush : SlackBetweenProcesses;
        return End < other.Start - slack;
    }

    public static Write Of(in Operation operation) => new(
        operation.Kind == OperationKind.Set ? operation.Value : null,
        operation.Process,
        operation.Start,
        operation.End,
        operation.Outcome == Outcome.Done,
        Ticks.Of(operation.AbsoluteMilliseconds),
        Ticks.Of(operation.SlidingMilliseconds));
}
