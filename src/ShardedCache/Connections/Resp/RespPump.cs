namespace ShardedCache.Connections.Resp;

/// <summary>A thread that may block, made when first needed. It does one thing at a time, and none of it needs the pool.</summary>
internal sealed class RespPump
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private Thread? _thread;
    private Action? _work;
    private bool _hasEnded;

    /// <summary>Does it on the thread; only when what it was given before is done.</summary>
    public void Run(Action work)
    {
        lock (_gate)
        {
            _work = work;
            if (_thread is null && !_hasEnded)
            {
                _thread = new Thread(Loop, maxStackSize: RespPoller.StackSize) { IsBackground = true, Name = "ShardedCache out" };
                _thread.UnsafeStart();
            }
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
