namespace ShardedCache.Connections.Resp;

/// <summary>The pollers of a connector: few, however many connections there are.</summary>
internal sealed class RespPollers(TimeProvider time, DeadlineSweep sweep)
{
    // One receives more than several cores of callers can ask for.
    private const int CoresPerPoller = 16;

    private readonly Lock _gate = new();
    private readonly int _wanted = Math.Max(1, Environment.ProcessorCount / CoresPerPoller);
    private readonly List<RespPoller> _pollers = [];
    private bool _hasEnded;

    public void Add(RespConnection connection)
    {
        lock (_gate)
        {
            if (!Least().TryAdd(connection))
            {
                New().TryAdd(connection);
            }
        }
    }

    /// <summary>For a connection that receives by a thread of its own.</summary>
    public RespChain NewChain()
    {
        lock (_gate)
        {
            return new RespChain(Least().Completions);
        }
    }

    public void End()
    {
        lock (_gate)
        {
            _hasEnded = true;
            _pollers.ForEach(static poller => poller.End());
        }
    }

    private RespPoller Least() => _pollers.Count < _wanted ? New() : _pollers.MinBy(static poller => poller.Count)!;

    private RespPoller New()
    {
        ObjectDisposedException.ThrowIf(_hasEnded, this);
        var poller = new RespPoller(time, sweep);
        try
        {
            sweep.Add(poller.Completions);
        }
        catch
        {
            // Its thread runs already.
            poller.End();
            throw;
        }

        _pollers.Add(poller);
        return poller;
    }
}
