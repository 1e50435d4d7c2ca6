namespace ShardedCache.Sentinels;

/// <summary>
/// Turns any number of signals into one wake-up, and keeps wake-ups apart. The first signal after a quiet time wakes at
/// once. For one waiter.
/// </summary>
internal sealed class Debounce(TimeProvider time)
{
    private volatile TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long? _lastWake;

    public void Signal() => _signal.TrySetResult();

    /// <summary>
    /// Completes at the next signal or after <paramref name="atMost"/>, but not sooner than <paramref name="gap"/> after the
    /// last wake-up. A signal given while nobody waited is not lost.
    /// </summary>
    public async Task WaitAsync(TimeSpan gap, TimeSpan atMost, CancellationToken cancellationToken)
    {
        await _signal.Task.WaitAsync(atMost, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        if (_lastWake is { } last && gap - time.GetElapsedTime(last) is var rest && rest > TimeSpan.Zero)
        {
            await Task.Delay(rest, time, cancellationToken).ConfigureAwait(false);
        }

        _signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _lastWake = time.GetTimestamp();
    }
}
