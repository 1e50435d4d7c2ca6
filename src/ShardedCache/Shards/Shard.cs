using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>
/// One logical shard: its name for life, and whatever connection serves it now. <see cref="ShardSupervisor"/> alone
/// changes its state; operations read <see cref="Live"/> without a lock.
/// </summary>
internal sealed class Shard
{
    private static readonly ConnectionFault NoAnswer = new(ConnectionFaultKind.ClosedByUs, "The replica did not answer.");

    /// <summary>How long a refused operation counts as the present state: one that is not repeated has been mended.</summary>
    private static readonly TimeSpan RefusalCounts = TimeSpan.FromMinutes(1);

    private readonly ShardContext _context;
    private readonly TaskCompletionSource _firstOutcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _transition = new();
    private IServerConnection? _live;
    private IServerConnection? _replica;
    private IServerConnection? _overlooked;
    private long _replicaLag = -1;
    private TaskCompletionSource _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ShardSnapshot _snapshot;
    private OperationRefusal? _refusal;
    private int _unserved;
    private bool _wasUp;

    public Shard(string name, ShardContext context)
    {
        Name = name;
        _context = context;
        Clock = new StampClock(context.Time);
        Touches = new TouchLedger();
        Lag = new ReplicaLag(context.Time);
        ReplicaSearch = new ReplicaSearch(context.Settings.OperationTimeout / 4, context.Time);
        Store = new LocalStore(name, context.LocalLimits, context.Journal, Clock, context.Metrics);
        _snapshot = new ShardSnapshot(name, ShardState.Connecting, context.Time.GetUtcNow(), null, null);
    }

    public string Name { get; }

    public StampClock Clock { get; }

    public TouchLedger Touches { get; }

    /// <summary>What this process itself knows of the shard's entries.</summary>
    public LocalStore Store { get; }

    public ReplicaLag Lag { get; }

    public ShardSnapshot Snapshot => Volatile.Read(ref _snapshot);

    /// <summary>The connection that may serve operations, or null while the shard is not up.</summary>
    public IServerConnection? Live => Volatile.Read(ref _live);

    public bool IsDown => IsDownIn(Snapshot.State);

    /// <summary>Whether operations go on without the server, rather than with an exception.</summary>
    public bool HasFallback => _context.FailoverMode != FailoverMode.Throw && Snapshot.State != ShardState.Misconfigured;

    public ReplicaSearch ReplicaSearch { get; }

    /// <summary>A connection to a replica that may be read while the shard is not up, or null.</summary>
    public IServerConnection? Replica
    {
        get => Volatile.Read(ref _replica);
        private set => Volatile.Write(ref _replica, value);
    }

    public ShardStatus Status
    {
        get
        {
            var snapshot = Snapshot;
            var refusal = Volatile.Read(ref _refusal);
            return new ShardStatus(snapshot.Name, snapshot.State, snapshot.UpOrNotSince, snapshot.Master)
            {
                Fault = snapshot.State == ShardState.Up ? null : snapshot.Reason,
                Refusal = refusal is not null && _context.Time.GetUtcNow() - refusal.Last <= RefusalCounts ? refusal : null,
                IsWriteRefused = Store.IsWriteRefused,
                ReplicasOnline = _context.HasSentinels ? Lag.Online : null,
                ReplicaLag = _context.HasSentinels ? Lag.Last : null,
                IsReplicaReady = Replica is not null,
                JournalBytes = Store.JournalBytes,
                JournalCount = Store.JournalCount,
                Undelivered = Store.Undelivered,
            };
        }
    }

    /// <summary>How far behind <see cref="Replica"/> was when it was last found fit to be read; null where that is unknown.</summary>
    public TimeSpan? ReplicaLag
    {
        get => Volatile.Read(ref _replicaLag) is >= 0 and var ticks ? TimeSpan.FromTicks(ticks) : null;
        set => Volatile.Write(ref _replicaLag, value?.Ticks ?? -1);
    }

    /// <summary>It can be read.</summary>
    public void OfferReplica(IServerConnection connection)
    {
        lock (_transition)
        {
            (Replica, _overlooked) = (connection, null);
            ReplicaSearch.Reset();
        }
    }

    /// <summary>
    /// Nothing has come from it for as long as a replica is waited for. While the shard is down its reads are under way there, and end now; else it
    /// may be a hiccup.
    /// </summary>
    public void OverlookReplica(IServerConnection connection)
    {
        bool isRead;
        lock (_transition)
        {
            // One that was not offered yet may be far away, and nobody waits for it there.
            if (!ReferenceEquals(Replica, connection))
            {
                return;
            }

            (Replica, _overlooked) = (null, connection);
            ReplicaSearch.GiveUp();
            isRead = IsDown;
        }

        if (isRead)
        {
            connection.Close(NoAnswer);
        }
    }

    /// <summary>The connection has ended; while the shard is down, operations wait for another one from now on.</summary>
    public void LoseReplica(IServerConnection connection)
    {
        lock (_transition)
        {
            if (ReferenceEquals(_overlooked, connection))
            {
                _overlooked = null;
                if (!IsDown || IsClosedByPeer(connection))
                {
                    // It was not silent for good, or the next outage may wait for another one.
                    ReplicaSearch.Reset();
                }
            }
            else if (!ReferenceEquals(Replica, connection))
            {
                return;
            }

            if (IsDown)
            {
                ReplicaSearch.Begin();
            }

            Replica = null;
        }
    }

    /// <summary>One wait for it is enough: nobody asks this replica again before it has been connected anew.</summary>
    public void GiveUpReplica(IServerConnection replica)
    {
        lock (_transition)
        {
            if (ReferenceEquals(Replica, replica))
            {
                Replica = null;
            }
        }

        replica.Close(NoAnswer);
    }

    /// <summary>When it was up again after an outage, in milliseconds by its clock; 0 before the first.</summary>
    public long RecoveredAt { get; private set; }

    /// <summary>Whether operations wait now, because nothing is known of the shard yet.</summary>
    public bool IsAwaitingFirstOutcome => !_firstOutcome.Task.IsCompleted;

    /// <summary>Completes when the shard's state has become one that the condition wants.</summary>
    public async Task WaitForAsync(Func<ShardState, bool> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            var moved = Volatile.Read(ref _moved).Task;
            if (condition(Snapshot.State))
            {
                return;
            }

            await moved.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the wait of callers that came before the first outcome.</summary>
    public void ReleaseFirstCallers() => _firstOutcome.TrySetResult();

    /// <summary>
    /// Before the first outcome since start-up operations wait, at most their time-out, so that an application's first
    /// request finds its cache. Once there is an outcome, or one of them has waited in vain, nobody waits.
    /// </summary>
    public async ValueTask WaitForFirstOutcomeAsync(CallMode mode, CancellationToken cancellationToken)
    {
        var patience = _context.Connection.OperationTimeout;
        if (mode == CallMode.Blocking)
        {
            _firstOutcome.Task.Wait(patience, cancellationToken);
        }
        else
        {
            try
            {
                await _firstOutcome.Task.WaitAsync(patience, _context.Time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // The caller says it, with what is known of the shard.
            }
        }

        ReleaseFirstCallers();
    }

    /// <summary>
    /// Called where an operation was answered without a server. Now and then it gives its thread to others: callers in tight loops, none
    /// of which ever has to wait, would keep all of the pool's threads from what brings the shard back.
    /// </summary>
    public async ValueTask GiveWayAsync(CallMode mode)
    {
        // A count that is lost between two threads costs nothing.
        if ((++_unserved & 63) == 0 && mode == CallMode.Asynchronous)
        {
            await Task.Yield();
        }
    }

    /// <summary>Takes a doubtful connection out of service at once; the supervisor then looks for the master anew.</summary>
    public void Abandon(IServerConnection connection, string reason)
    {
        Withdraw(connection, reason);
        connection.Close(new ConnectionFault(ConnectionFaultKind.ClosedByUs, reason));
    }

    /// <summary>Lets operations use the connection. <see cref="Report"/> is to say so afterwards: this may run under locks.</summary>
    public void Publish(IServerConnection connection)
    {
        if (_wasUp)
        {
            RecoveredAt = Clock.NowMilliseconds;
        }

        _wasUp = true;
        (Store.IsWriteRefused, Store.IsFull) = (false, false);
        Volatile.Write(ref _live, connection);
    }

    public void Withdraw(IServerConnection connection, string reason)
    {
        // Thousands of operations may fail together, and only the first of them need wait for the log to take its line.
        if (!ReferenceEquals(Live, connection))
        {
            return;
        }

        lock (_transition)
        {
            if (ReferenceEquals(_live, connection))
            {
                SeekReplica();
                Volatile.Write(ref _live, null);
                Move(ShardEvent.Lost, connection.Address, reason);
            }
        }
    }

    /// <summary>Serves no more, because the cache is being disposed: that is no transition.</summary>
    public void Retire() => Volatile.Write(ref _live, null);

    /// <summary>The server has answered an operation with an error that only a change of configuration can mend.</summary>
    public void Refuse(string reason)
    {
        var now = _context.Time.GetUtcNow();
        var before = Volatile.Read(ref _refusal);
        var since = before is not null && now - before.Last <= RefusalCounts ? before.Since : now;
        Volatile.Write(ref _refusal, new OperationRefusal(since, now, reason));
    }

    public void Report(ShardEvent happened, ServerAddress? master, string? reason)
    {
        lock (_transition)
        {
            Move(happened, master, reason);
        }
    }

    private void Move(ShardEvent happened, ServerAddress? master, string? reason)
    {
        var before = _snapshot;
        var state = ShardLifecycle.Next(before.State, happened);
        var since = state == before.State ? before.Since : _context.Time.GetUtcNow();
        Volatile.Write(ref _snapshot, new ShardSnapshot(Name, state, since, master ?? before.Master, reason)
        {
            UpOrNotSince = (state == ShardState.Up) == (before.State == ShardState.Up) ? before.UpOrNotSince : since,
        });
        if (!IsDownIn(state))
        {
            ReplicaSearch.Reset();
        }
        else if (!IsDownIn(before.State))
        {
            SeekReplica();
        }

        if (state != before.State)
        {
            _context.Metrics.Transition(Name, state.ToString());
            _context.Logger.ShardMoved(before.State, _snapshot);
            Interlocked.Exchange(ref _moved, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }

        if (state is ShardState.Up or ShardState.FailingOver or ShardState.Misconfigured)
        {
            ReleaseFirstCallers();
        }
    }

    private static bool IsClosedByPeer(IServerConnection connection) =>
        connection.Closed is { IsCompletedSuccessfully: true, Result.Kind: ConnectionFaultKind.ClosedByPeer };

    private static bool IsDownIn(ShardState state) => state is ShardState.Suspect or ShardState.FailingOver or ShardState.Recovering;

    /// <summary>Before operations find the shard down: from then on they wait for what is found.</summary>
    private void SeekReplica()
    {
        if (_context.ReadsReplicas && Replica is null)
        {
            ReplicaSearch.Begin();
        }
    }
}
