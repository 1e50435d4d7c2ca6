namespace ShardedCache.Sentinels;

/// <summary>Whether a failover of one shard may be under way: from a sign of it until some time after the last sign.</summary>
internal sealed class Trouble(TimeProvider time, TimeSpan lasts)
{
    private const long Never = long.MinValue;

    private long _lastSign = Never;

    public bool IsOn => Volatile.Read(ref _lastSign) is var last && last != Never && time.GetElapsedTime(last) < lasts;

    /// <summary>Returns true for the first sign after a quiet time.</summary>
    public bool Sign()
    {
        var wasOn = IsOn;
        Volatile.Write(ref _lastSign, time.GetTimestamp());
        return !wasOn;
    }
}
