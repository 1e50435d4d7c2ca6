namespace ShardedCache.LoadLab.Workers;

/// <summary>A wall clock that is off; the monotonic clock and the timers are right, as on a machine without time synchronization.</summary>
internal sealed class SkewedTime(TimeSpan offset) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + offset;
}
