namespace ShardedCache.Connections;

/// <summary>Tells when a connection on which something is awaited has received nothing for too long. For the sweep's thread alone.</summary>
/// <param name="timeoutMilliseconds">How long that is.</param>
/// <param name="millisecondsSinceData">Asks the kernel; null where it does not say.</param>
internal sealed class SilenceWatch(int timeoutMilliseconds, Func<long?> millisecondsSinceData)
{
    private long _lastReceived;

    public void Received(long now) => _lastReceived = now;

    /// <param name="oldest">Since when the oldest operation is awaited.</param>
    /// <param name="now">The sweep's time.</param>
    public bool IsSilent(long oldest, long now)
    {
        if (!HasNothingSince(oldest, now))
        {
            return false;
        }

        // A large reply that is still on its way completes nothing, and a busy machine runs no receiver: the kernel knows better.
        if (millisecondsSinceData() is { } silence)
        {
            _lastReceived = Math.Max(_lastReceived, now - silence);
        }

        return HasNothingSince(oldest, now);
    }

    private bool HasNothingSince(long oldest, long now) => now - Math.Max(oldest, _lastReceived) >= timeoutMilliseconds;
}
