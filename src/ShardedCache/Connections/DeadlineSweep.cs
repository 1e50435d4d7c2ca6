namespace ShardedCache.Connections;

/// <summary>What the sweep visits at each tick: a connection with its pending operations.</summary>
internal interface ISweepTarget
{
    /// <summary>Ends what is overdue. Runs on the sweep's thread: must not block, throw, or run a caller's code.</summary>
    /// <param name="now">The sweep's time, in milliseconds.</param>
    void Sweep(long now);
}

/// <summary>
/// One thread that enforces the deadlines of all connections of a connector. It is a thread of its own, because timers and
/// continuations run on the thread pool, which blocked callers may have used up when deadlines matter most.
/// </summary>
internal sealed class DeadlineSweep : IDisposable
{
    /// <summary>
    /// Milliseconds between two ticks. An operation counts from the first tick that sees it and ends at a tick, so it is at most
    /// two ticks late.
    /// </summary>
    public const int TickLength = 20;

    private readonly Lock _gate = new();
    private readonly SweepClock _clock;
    private readonly ManualResetEventSlim _stop = new(initialState: false, spinCount: 0);
    private ISweepTarget[] _targets = [];
    private Thread? _thread;
    private bool _disposed;

    public DeadlineSweep(TimeProvider time) => _clock = new SweepClock(time);

    public void Add(ISweepTarget target)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            Volatile.Write(ref _targets, [.. _targets, target]);
            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "ShardedCache deadlines", Priority = ThreadPriority.AboveNormal };
                _thread.UnsafeStart();
            }
        }
    }

    public void Remove(ISweepTarget target)
    {
        lock (_gate)
        {
            Volatile.Write(ref _targets, Array.FindAll(_targets, other => other != target));
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _targets = [];
        }

        _stop.Set();
    }

    internal void Tick()
    {
        var now = _clock.Tick();
        foreach (var target in Volatile.Read(ref _targets))
        {
            target.Sweep(now);
        }
    }

    private void Run()
    {
        while (!_stop.Wait(TickLength))
        {
            Tick();
        }
    }
}
