namespace ShardedCache.Connections.Resp;

/// <summary>Operations that a receiving thread has answered, on their way to the pool.</summary>
internal sealed class RespChain(RespCompletions completions)
{
    // The first callers go on while the others' replies are still being read.
    private const int Longest = 64;

    private RespOperation? _first;
    private RespOperation? _last;
    private int _count;

    public void Add(RespOperation operation)
    {
        if (_last is null)
        {
            _first = operation;
        }
        else
        {
            _last.Next = operation;
        }

        _last = operation;
        if (++_count == Longest)
        {
            Flush();
        }
    }

    public void Flush()
    {
        if (_first is { } first)
        {
            var (last, count) = (_last!, _count);
            (_first, _last, _count) = (null, null, 0);
            completions.Add(first, last, count);
        }
    }
}
