namespace ShardedCache.Connections.Resp;

/// <summary>
/// Answered operations whose callers are to go on, of all connections of a connector. One work item of the thread pool serves
/// many of them, because most callers do no more than ask for the next entry; what they send meanwhile goes out together.
/// </summary>
internal sealed class RespCompletions : IThreadPoolWorkItem
{
    // So many, and other work of the pool gets its turn.
    private const int Turn = 512;

    private readonly Lock _gate = new();
    private readonly int _mostWorkers = Environment.ProcessorCount;
    private RespOperation? _first;
    private RespOperation? _last;
    private int _count;
    private int _workers;

    public void Add(RespOperation operation) => Add(operation, operation, 1);

    /// <summary>Adds a chain that is linked by <see cref="RespOperation.Next"/>.</summary>
    public void Add(RespOperation first, RespOperation last, int count)
    {
        bool needsWorker;
        lock (_gate)
        {
            if (_last is null)
            {
                _first = first;
            }
            else
            {
                _last.Next = first;
            }

            _last = last;
            _count += count;
            needsWorker = TryAddWorker();
        }

        if (needsWorker)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    public void Execute()
    {
        var scope = RespSendScope.Enter();
        for (var i = 0; i < Turn; i++)
        {
            if (!TryTake(out var operation, out var isLast, out var needsWorker))
            {
                scope.Leave();
                return;
            }

            if (needsWorker)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }

            scope.MoreToCome = !isLast;
            operation.Complete();
            scope.Count();
        }

        scope.Leave();
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private bool TryTake(out RespOperation operation, out bool isLast, out bool needsWorker)
    {
        lock (_gate)
        {
            operation = _first!;
            isLast = true;
            needsWorker = false;
            if (operation is null)
            {
                _workers--;
                return false;
            }

            _first = operation.Next;
            operation.Next = null;
            isLast = _first is null;
            if (isLast)
            {
                _last = null;
            }

            // Whatever a caller does now, it holds up no other.
            needsWorker = --_count > 0 && TryAddWorker();
            return true;
        }
    }

    private bool TryAddWorker()
    {
        if (_workers >= _mostWorkers || _workers >= _count + 1)
        {
            return false;
        }

        _workers++;
        return true;
    }
}
