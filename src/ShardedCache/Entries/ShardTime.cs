namespace ShardedCache.Entries;

/// <summary>
/// The relation between a shard's clock and our monotonic one: at <see cref="Timestamp"/> the shard's clock showed
/// <see cref="UnixMicroseconds"/>, give or take <see cref="Uncertainty"/> microseconds.
/// </summary>
internal sealed record ShardTime(long Timestamp, long UnixMicroseconds, long Uncertainty)
{
    /// <summary>Both clocks together drift apart by at most this part of the elapsed time: 1 in 5,000, or 200 ppm.</summary>
    private const long DriftDivisor = 5_000;

    public long At(TimeProvider time, long timestamp) =>
        UnixMicroseconds + (time.GetElapsedTime(Timestamp, timestamp).Ticks / TimeSpan.TicksPerMicrosecond);

    /// <summary>
    /// The better of this and a newer measurement. The newer one also wins where the two contradict each other: then a
    /// clock was set, or this machine was suspended and its monotonic clock stood still.
    /// </summary>
    public ShardTime Or(ShardTime newer, TimeProvider time)
    {
        var age = newer.Timestamp >= Timestamp ? time.GetElapsedTime(Timestamp, newer.Timestamp).Ticks / TimeSpan.TicksPerMicrosecond : 0;
        var uncertaintyNow = Uncertainty + (age / DriftDivisor);
        var contradiction = Math.Abs(At(time, newer.Timestamp) - newer.UnixMicroseconds) > uncertaintyNow + newer.Uncertainty;
        return contradiction || newer.Uncertainty <= uncertaintyNow ? newer : this;
    }
}
