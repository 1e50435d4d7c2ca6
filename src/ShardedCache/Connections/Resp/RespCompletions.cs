using System.Diagnostics.CodeAnalysis;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// Answered operations whose callers are to go on. One work item of the thread pool serves many of them, because most callers do no
/// more than ask for the next entry, and then takes what has come meanwhile. A caller that does more, or blocks, holds up no other for
/// long: further work items are added by what the callers have been seen to take, and whenever none has gone on for a while.
/// </summary>
internal sealed class RespCompletions(RespPoller poller, TimeProvider time, DeadlineSweep sweep) : IThreadPoolWorkItem, ISweepTarget
{
    // So many, and other work of the pool gets its turn, where there is any. To go on by another work item would wake a second thread of
    // the pool for nothing, which then takes a processor for a while before it sleeps again.
    private const int Turn = 512;

    // Of all that is under way a part goes together, so that a server has one to do while the callers go on with another; but one that
    // is worth a send.
    private const int Shares = 4;
    private const int ShortestShare = 8;

    // A batch falls apart into one send for each connection, and many servers have something to do in any case.
    private const int MostConnections = 8;

    // One of so many is here soon, whatever looking for a single one has brought.
    private const int ManyReplies = 8;

    // The poller's thread leaves receiving to those who serve, while they do; but they do not look for what nobody has asked for, such as
    // the end of a connection.
    private const int PollerPatienceMilliseconds = 1;
    private const int MostWaits = 10;

    private static readonly TimeSpan LongestLook = TimeSpan.FromMicroseconds(100);

    private readonly object _gate = new();
    private readonly int _mostWorkers = Environment.ProcessorCount;
    private readonly CallerPace _pace = new(time);
    private readonly ReplyPace _replies = new();
    private readonly List<RespWorker> _working = [];
    private readonly Stack<RespWorker> _spare = [];
    private RespOperation? _first;
    private RespOperation? _last;
    private int _count;

    // Those that are starting, or working and not held up.
    private int _workers;
    private bool _isStarting;
    private bool _isPollerWaiting;
    private bool _hasEnded;

    /// <summary>Adds a chain that is linked by <see cref="RespOperation.Next"/>.</summary>
    public void Add(RespOperation first, RespOperation last, int count)
    {
        var now = time.GetTimestamp();
        bool needsWorker;
        lock (_gate)
        {
            if (_hasEnded)
            {
                Scatter(first);
                return;
            }

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
            needsWorker = TryAddWorker(now);
        }

        Start(needsWorker);
        sweep.Wake();
    }

    /// <summary>So many replies must be awaited that looking for them, again and again, finds them; fewer are found sooner by waiting for them.</summary>
    public int WorthLookingFor => LeastToLookFor(_replies.Pays);

    public bool IsIdle => Volatile.Read(ref _count) == 0;

    private bool IsAlone => Volatile.Read(ref _workers) == 1;

    private bool IsServing => _workers > (_isStarting ? 1 : 0);

    public void Sweep(long now)
    {
        bool needsWorker;
        lock (_gate)
        {
            needsWorker = _count > 0 && TryAddWorker(time.GetTimestamp());
        }

        Start(needsWorker);
    }

    /// <summary>From now on there is no sweep that would see that one caller waits for another: each goes on by itself.</summary>
    public void End()
    {
        lock (_gate)
        {
            _hasEnded = true;
            Scatter(_first);
            (_first, _last, _count) = (null, null, 0);
        }
    }

    /// <summary>Blocks while others serve, as long as they are heard of; and where they go on looking for replies, for longer.</summary>
    public void WaitWhileServing(bool isPatient)
    {
        var began = time.GetTimestamp();
        lock (_gate)
        {
            DiscountHeldUp(began);
            for (var i = 0; i < MostWaits && IsServing; i++)
            {
                var looks = poller.Looks;
                _isPollerWaiting = true;
                Monitor.Wait(_gate, PollerPatienceMilliseconds);
                _isPollerWaiting = false;

                // By time, too: a system may let a thread wait for many times what it asked for.
                if (!isPatient || looks == poller.Looks || time.GetElapsedTime(began).TotalMilliseconds > MostWaits * PollerPatienceMilliseconds)
                {
                    return;
                }
            }
        }
    }

    public void Execute()
    {
        RespWorker? worker;
        lock (_gate)
        {
            _isStarting = false;
            if (!_spare.TryPop(out worker))
            {
                worker = new RespWorker();
            }

            _working.Add(worker);
        }

        var left = Turn;
        do
        {
            Serve(worker, ref left);
            if (left <= 0 && IsAlone && ThreadPool.PendingWorkItemCount == 0)
            {
                left = Turn;
            }
        }
        while (left > 0 && !worker.IsHeldUp && TryReceive(ref left));

        bool goesOn;
        lock (_gate)
        {
            if (_working.Remove(worker))
            {
                _workers--;
            }

            worker.IsHeldUp = false;
            _spare.Push(worker);
            goesOn = _count > 0 && TryAddWorker(time.GetTimestamp());
            if (!IsServing && _isPollerWaiting)
            {
                Monitor.Pulse(_gate);
            }
        }

        Start(goesOn);
    }

    private void Serve(RespWorker worker, ref int left)
    {
        int count;
        int longest;
        do
        {
            longest = LongestBatch();
            var scope = longest > 1 ? RespSendScope.Enter() : null;
            var started = _pace.Begin();
            worker.BeginBatch(started);
            for (count = 0; count < longest && !worker.IsHeldUp && TryTake(out var operation); count++)
            {
                worker.Take();
                operation.Complete();
            }

            worker.EndBatch();
            _pace.End(started, count);
            scope?.Leave();
            left -= count;
        }
        while (count == longest && left > 0 && !worker.IsHeldUp);
    }

    private int LongestBatch()
    {
        var connections = Math.Clamp(poller.Count, 1, MostConnections);
        var underWay = Volatile.Read(ref _count) + poller.Awaited;
        return Math.Min(_pace.BatchLength * connections, Math.Max(ShortestShare, underWay / Math.Max(1, Shares / connections)));
    }

    /// <summary>Looks whether there is more to do. Where it looks again, other work of the pool must not wait for that.</summary>
    private bool TryReceive(ref int left)
    {
        // Two would only take what the other one looks for.
        var most = IsAlone ? _replies.LooksToTake() : 1;
        var least = LeastToLookFor(most > 1);
        var began = time.GetTimestamp();
        for (var looks = 1; poller.IsAwaiting(least); looks++)
        {
            // Where processors are scarce the servers must be let do their part first.
            Thread.Yield();
            if (poller.TryReceive() || Volatile.Read(ref _count) > 0)
            {
                // What brings no caller takes time, too.
                left--;
                _replies.Found(looks);
                return true;
            }

            if (looks == most || time.GetElapsedTime(began) > LongestLook)
            {
                _replies.Missed(looks);
                return false;
            }

            if (ThreadPool.PendingWorkItemCount > 0)
            {
                return false;
            }
        }

        return Volatile.Read(ref _count) > 0;
    }

    /// <summary>While callers that take long go on, the poller's thread must be there for the others' replies.</summary>
    private int LeastToLookFor(bool looksAgain) => looksAgain && _pace.AreQuick ? 1 : ManyReplies;

    private static void Scatter(RespOperation? first)
    {
        for (var operation = first; operation is not null;)
        {
            var next = operation.Next;
            operation.Next = null;
            ThreadPool.UnsafeQueueUserWorkItem(operation, preferLocal: false);
            operation = next;
        }
    }

    private void Start(bool needed)
    {
        if (needed)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private bool TryTake([NotNullWhen(true)] out RespOperation? operation)
    {
        lock (_gate)
        {
            operation = _first;
            if (operation is null)
            {
                return false;
            }

            _first = operation.Next;
            operation.Next = null;
            if (_first is null)
            {
                _last = null;
            }

            _count--;
            return true;
        }
    }

    private void DiscountHeldUp(long now)
    {
        for (var i = _working.Count - 1; i >= 0; i--)
        {
            var worker = _working[i];
            if (worker.HasCallerSince(now) is { } since && _pace.IsLong(since, now))
            {
                worker.IsHeldUp = true;
                _working.RemoveAt(i);
                _workers--;
            }
        }
    }

    private bool TryAddWorker(long now)
    {
        DiscountHeldUp(now);

        // One that the pool has not come to yet will do.
        if (_isStarting || (_workers > 0 && (_workers >= _mostWorkers || !_pace.NeedsHelp(_count, _workers))))
        {
            return false;
        }

        _workers++;
        return _isStarting = true;
    }
}
