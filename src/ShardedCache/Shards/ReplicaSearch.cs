using ShardedCache.Connections;

namespace ShardedCache.Shards;

/// <summary>
/// Whether it is still being found out if a replica can be read, because the shard is down and none is connected. Reads wait for that,
/// or a copy would hide what a replica has later; but one wait in vain is all that an outage costs.
/// </summary>
internal sealed class ReplicaSearch(TimeSpan patience, TimeProvider time)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _running;
    private bool _isGivenUp;

    public bool IsRunning => Volatile.Read(ref _running) is not null;

    public void Begin()
    {
        lock (_lock)
        {
            if (!_isGivenUp)
            {
                _running ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    /// <summary>A replica can be read, or none can.</summary>
    public void End() => End(isGivenUp: false);

    /// <summary>The shard is up.</summary>
    public void Reset()
    {
        End();
        lock (_lock)
        {
            _isGivenUp = false;
        }
    }

    /// <summary>Waits until it has ended.</summary>
    public async ValueTask WaitAsync(CallMode mode, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _running)?.Task is not { } running)
        {
            return;
        }

        var hasEnded = true;
        if (mode == CallMode.Blocking)
        {
            hasEnded = running.Wait(patience, cancellationToken);
        }
        else
        {
            try
            {
                await running.WaitAsync(patience, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                hasEnded = false;
            }
        }

        if (!hasEnded)
        {
            End(isGivenUp: true);
        }
    }

    private void End(bool isGivenUp)
    {
        TaskCompletionSource? running;
        lock (_lock)
        {
            (running, _running) = (_running, null);
            _isGivenUp |= isGivenUp;
        }

        running?.TrySetResult();
    }
}
