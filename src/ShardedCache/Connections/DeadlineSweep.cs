namespace ShardedCache.Connections;

/// <summary>What the sweep visits at each tick: a connection with its pending operations.</summary>
internal interface ISweepTarget
{
    /// <summary>Ends what is overdue. Runs on the sweep's thread: must not block, throw, or run a caller's code.</summary>
    /// <param name="now">The sweep's time, in milliseconds.</param>
    void Sweep(long now);

    /// <summary>There is nothing to visit it for, until it wakes the sweep.</summary>
    bool IsIdle { get; }
}

/// <summary>
/// One thread that enforces the deadlines of all connections of a connector. It is a thread of its own, because timers and
/// continuations run on the thread pool, which blocked callers may have used up when deadlines matter most. It sleeps while nothing is
/// awaited.
/// </summary>
internal sealed class DeadlineSweep : IDisposable
{
    /// <summary>
    /// Milliseconds between two ticks. An operation counts from the first tick that sees it and ends at a tick, so it is at most
    /// two ticks late.
    /// </summary>
    public const int TickLength = 20;

    // Between two callers who take turns it need not go to sleep.
    private const int IdleTicks = 2;

    private readonly Lock _gate = new();
    private readonly SweepClock _clock;
    private readonly ManualResetEventSlim _stop = new(initialState: false, spinCount: 0);
    private readonly ManualResetEventSlim _wake = new(initialState: false, spinCount: 0);
    private ISweepTarget[] _targets = [];
    private Thread? _thread;
    private bool _disposed;
    private bool _isAsleep;

    public DeadlineSweep(TimeProvider time) => _clock = new SweepClock(time);

    internal bool IsAsleep => Volatile.Read(ref _isAsleep);

    public void Add(ISweepTarget target)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_thread is null)
            {
                // First, and kept only once it runs: a process may be out of threads, and then no one may count on it.
                var thread = new Thread(Run) { IsBackground = true, Name = "ShardedCache deadlines", Priority = ThreadPriority.AboveNormal };
                thread.UnsafeStart();
                _thread = thread;
            }

            Volatile.Write(ref _targets, [.. _targets, target]);
            Wake();
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
        _wake.Set();
    }

    /// <summary>
    /// After something has come that is to be swept. Costs next to nothing where the sweep is awake: the thread that goes to sleep
    /// sees to it that it cannot miss what was there before.
    /// </summary>
    public void Wake()
    {
        if (IsAsleep)
        {
            _wake.Set();
        }
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
        for (var idle = 0; !_stop.Wait(TickLength);)
        {
            idle = IsIdle() ? idle + 1 : 0;
            if (idle > IdleTicks)
            {
                Sleep();
                idle = 0;
            }

            Tick();
        }
    }

    private void Sleep()
    {
        _wake.Reset();
        Volatile.Write(ref _isAsleep, true);

        // Whoever has added something and found this thread awake has done so before this, and it is seen here.
        Interlocked.MemoryBarrierProcessWide();
        if (IsIdle() && !_stop.IsSet)
        {
            _wake.Wait();
        }

        Volatile.Write(ref _isAsleep, false);
    }

    private bool IsIdle() => Array.TrueForAll(Volatile.Read(ref _targets), static target => target.IsIdle);
}
