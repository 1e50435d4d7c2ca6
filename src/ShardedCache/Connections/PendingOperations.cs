namespace ShardedCache.Connections;

/// <summary>
/// The operations that one connection awaits replies to, oldest first. One that has timed out stays until its reply has come:
/// it still tells whether the server answers.
/// </summary>
internal sealed class PendingOperations(int timeoutMilliseconds)
{
    private readonly Lock _gate = new();
    private PendingOperation? _first;
    private PendingOperation? _last;
    private int _count;
    private bool _ended;

    public int Count => Volatile.Read(ref _count);

    public bool IsEmpty => Volatile.Read(ref _first) is null;

    public bool TryAdd(PendingOperation operation)
    {
        operation.Since = PendingOperation.NotSeen;
        lock (_gate)
        {
            if (_ended)
            {
                return false;
            }

            operation.Previous = _last;
            if (_last is null)
            {
                _first = operation;
            }
            else
            {
                _last.Next = operation;
            }

            _last = operation;
            _count++;
            return true;
        }
    }

    public void Remove(PendingOperation operation)
    {
        lock (_gate)
        {
            if (operation.Previous is null && _first != operation)
            {
                return;
            }

            if (operation.Previous is null)
            {
                _first = operation.Next;
            }
            else
            {
                operation.Previous.Next = operation.Next;
            }

            if (operation.Next is null)
            {
                _last = operation.Previous;
            }
            else
            {
                operation.Next.Previous = operation.Previous;
            }

            operation.Previous = operation.Next = null;
            _count--;
        }
    }

    /// <summary>Times out what is overdue; returns since when the oldest operation is awaited, or null when none is.</summary>
    public long? Expire(long now)
    {
        List<PendingOperation>? expired = null;
        long? oldest;
        lock (_gate)
        {
            for (var operation = _last; operation is { Since: PendingOperation.NotSeen }; operation = operation.Previous)
            {
                operation.Since = now;
            }

            oldest = _first?.Since;
            for (var operation = _first; operation is not null && now - operation.Since >= timeoutMilliseconds; operation = operation.Next)
            {
                // Claimed inside the lock: an operation in the list cannot have been recycled.
                if (!operation.HasReply && operation.TryClaim())
                {
                    (expired ??= []).Add(operation);
                }
            }
        }

        Abandon(expired, ReplyKind.TimedOut);
        return oldest;
    }

    /// <summary>Ends everything pending as lost, and refuses what comes later. False when it has ended before.</summary>
    public bool TryEnd()
    {
        List<PendingOperation>? lost = null;
        lock (_gate)
        {
            if (_ended)
            {
                return false;
            }

            _ended = true;
            for (var operation = _first; operation is not null; operation = operation.Next)
            {
                if (!operation.HasReply && operation.TryClaim())
                {
                    (lost ??= []).Add(operation);
                }
            }
        }

        Abandon(lost, ReplyKind.ConnectionLost);
        return true;
    }

    private static void Abandon(List<PendingOperation>? operations, ReplyKind outcome)
    {
        foreach (var operation in operations ?? [])
        {
            operation.Abandon(outcome);
        }
    }
}
