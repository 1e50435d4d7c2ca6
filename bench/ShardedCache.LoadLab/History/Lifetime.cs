namespace ShardedCache.LoadLab.History;

/// <summary>
/// From when to when a value may be there and must be there, by its expiration and by the touches that were recorded. The
/// product promises a sliding entry no less than its window after its last use, and at most 1/16 of it more.
/// </summary>
internal static class Lifetime
{
    public static readonly long Tolerance = Ticks.Of(100);

    /// <summary>Whether the value had certainly expired when the read began.</summary>
    public static bool HasExpired(Write write, in Operation read, IReadOnlyList<Operation> ofKey)
    {
        if (write.Absolute > 0 && read.Start > After(write.End, write.Absolute + Tolerance))
        {
            return true;
        }

        if (write.Sliding == 0)
        {
            return false;
        }

        var lastUse = write.End;
        foreach (var other in ofKey)
        {
            // One that failed may have found it, and touched it.
            var touches = other.Kind == OperationKind.Refresh
                || (other.Kind == OperationKind.Get && (other.Outcome is Outcome.Failed or Outcome.Pending || (other.Outcome == Outcome.Hit && other.Value == write.Value)));
            if (touches && other.Start < read.Start && other != read)
            {
                lastUse = Math.Max(lastUse, other.End);
            }
        }

        return read.Start > After(lastUse, write.Sliding + (write.Sliding / 16) + Tolerance);
    }

    /// <summary>Whether the value cannot have expired before the read ended.</summary>
    public static bool IsAlive(Write write, in Operation read, IReadOnlyList<Operation> ofKey)
    {
        if (write.Absolute > 0 && read.End > write.Start + write.Absolute - Tolerance)
        {
            return false;
        }

        if (write.Sliding == 0)
        {
            return true;
        }

        // A touch follows its read: where the client itself stood still in between, it may have come too late to prolong anything.
        var lastUse = write.Start;
        foreach (var other in ofKey)
        {
            if (other.End <= read.Start && other.End < lastUse + write.Sliding - Tolerance && IsUse(write, other, ofKey))
            {
                lastUse = Math.Max(lastUse, other.Start);
            }
        }

        return read.End < lastUse + write.Sliding - Tolerance;
    }

    /// <summary>
    /// A refresh says of no value that it is there: it is a use of one that its process knows to be, and would bring to where it has expired.
    /// </summary>
    private static bool IsUse(Write write, Operation other, IReadOnlyList<Operation> ofKey) => other.Kind == OperationKind.Refresh
        ? other.Outcome == Outcome.Done && ofKey.Any(known => known.Process == other.Process && known.Value == write.Value
            && (known.Outcome == Outcome.Hit || known.Kind == OperationKind.Set)
            && known.End <= other.Start && other.End < known.Start + write.Sliding - Tolerance)
        : other.Outcome == Outcome.Hit && other.Value == write.Value;

    private static long After(long moment, long ticks) => moment > long.MaxValue - ticks ? long.MaxValue : moment + ticks;
}
