namespace ShardedCache.Connections;

/// <summary>
/// Time as the deadlines see it, in milliseconds: it moves at each tick, and by at most <see cref="MaximumCredit"/>. A process
/// that was itself stopped thus finds its connections as young as it left them, and not all of them dead.
/// </summary>
/// <remarks>For the sweep's thread alone.</remarks>
internal sealed class SweepClock(TimeProvider time)
{
    public const int MaximumCredit = 100;

    private long _last = time.GetTimestamp();
    private TimeSpan _remainder;
    private long _now;

    public long Tick()
    {
        var timestamp = time.GetTimestamp();
        var elapsed = time.GetElapsedTime(_last, timestamp) + _remainder;
        var milliseconds = elapsed.Ticks / TimeSpan.TicksPerMillisecond;
        _last = timestamp;
        _remainder = elapsed - TimeSpan.FromTicks(milliseconds * TimeSpan.TicksPerMillisecond);
        return _now += Math.Min(milliseconds, MaximumCredit);
    }
}
