namespace ShardedCache.Tests.Entries;

/// <summary>A wall clock and a monotonic clock that can be moved apart, which a fake time provider does not allow.</summary>
internal sealed class TestTime : TimeProvider
{
    public DateTimeOffset Wall { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public long Timestamp { get; set; } = 1_000_000_000_000;

    public override long TimestampFrequency => 1_000_000_000;

    public override DateTimeOffset GetUtcNow() => Wall;

    public override long GetTimestamp() => Timestamp;

    public long TimestampAfter(TimeSpan time) => Timestamp + ((long)time.TotalMicroseconds * 1000);

    public void Advance(TimeSpan time)
    {
        Wall += time;
        Timestamp = TimestampAfter(time);
    }
}
