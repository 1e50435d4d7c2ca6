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

    /// <summary>How long a search is waited for.</summary>
    public TimeSpan Patience => patience;

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

    /// <summary>It has been waited for in vain.</summary>
    public void GiveUp() => End(isGivenUp: true);

    /// <summary>The shard is up, or the replica that was given up can be read.</summary>
    public void Reset()
    {
        End();
        lock (_lock)
        {
            _isGivenUp = false;
        }
    }

    /// <summary>Waits until it has ended.</summary>
    /// <param name="atMost">What the caller has; who has more time than the search and waits in vain gives it up for all.</param>
    /// <param name="mode">How the caller waits.</param>
    /// <param name="cancellationToken">Abandons the wait.</param>
    public async ValueTask WaitAsync(TimeSpan atMost, CallMode mode, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _running)?.Task is not { } running)
        {
            return;
        }

        var hasEnded = true;
        var isLimited = atMost < patience;
        var wait = isLimited ? atMost : patience;
        if (mode == CallMode.Blocking)
        {
            hasEnded = running.Wait(wait, cancellationToken);
        }
        else
        {
            try
            {
                await running.WaitAsync(wait, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                hasEnded = false;
            }
        }

        if (!hasEnded && !isLimited)
        {
            End(isGivenUp: true, running);
        }
    }

    private void End(bool isGivenUp, Task? waitedFor = null)
    {
        TaskCompletionSource? running;
        lock (_lock)
        {
            if (waitedFor is not null && _running?.Task != waitedFor)
            {
                return;
            }

            (running, _running) = (_running, null);
            _isGivenUp |= isGivenUp;
        }

        running?.TrySetResult();
    }
}
