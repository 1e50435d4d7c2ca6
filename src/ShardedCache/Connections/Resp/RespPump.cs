namespace ShardedCache.Connections.Resp;

/// <summary>A thread that may block, made when first needed. It does one thing at a time, and none of it needs the pool.</summary>
/// <param name="start">Starts the thread; throws where the process may have no more of them.</param>
internal sealed class RespPump(Action<Thread> start)
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private Thread? _thread;
    private Action? _work;
    private bool _hasEnded;

    public RespPump()
        : this(static thread => thread.UnsafeStart())
    {
    }

    /// <summary>Does it on the thread; only when what it was given before is done. Throws after the end, when nobody would do it.</summary>
    public void Run(Action work)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_hasEnded, this);
            if (_thread is null)
            {
                var thread = new Thread(Loop, maxStackSize: RespPoller.StackSize) { IsBackground = true, Name = "ShardedCache out" };
                start(thread);
                _thread = thread;
            }

            _work = work;
        }

        _wake.Release();
    }

    public void End()
    {
        lock (_gate)
        {
            _hasEnded = true;
        }

        _wake.Release();
    }

    private void Loop()
    {
        while (true)
        {
            _wake.Wait();
            Action? work;
            lock (_gate)
            {
                (work, _work) = (_work, null);
                if (work is null && _hasEnded)
                {
                    return;
                }
            }

            work?.Invoke();
        }
    }
}
