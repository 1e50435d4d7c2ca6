namespace ShardedCache.Connections.Resp;

/// <summary>
/// A command whose reply is awaited. Reply, deadline, cancellation and the connection's end compete for it; who claims it first
/// decides its outcome.
/// </summary>
internal abstract class RespOperation : IThreadPoolWorkItem
{
    /// <summary>Not among the pending ones.</summary>
    public const long NoSequence = -1;

    // Even while free to be claimed; each life of a pooled operation has a number of its own, so that nobody claims the next one.
    private int _state;
    private long _sequence = NoSequence;

    /// <summary>Its place among the connection's commands.</summary>
    public long Sequence
    {
        get => Volatile.Read(ref _sequence);
        set => Volatile.Write(ref _sequence, value);
    }

    /// <summary>The one that is completed after it.</summary>
    public RespOperation? Next { get; set; }

    /// <summary>Its outcome is decided.</summary>
    public bool IsClaimed => (Volatile.Read(ref _state) & 1) != 0;

    /// <summary>For who knows that the operation lives: its reply's reader, and its own caller.</summary>
    public bool TryClaim()
    {
        var state = Volatile.Read(ref _state);
        return (state & 1) == 0 && Interlocked.CompareExchange(ref _state, state | 1, state) == state;
    }

    /// <summary>For who found it at a place and does not know whether it is in another life by now.</summary>
    public bool TryClaim(long sequence)
    {
        var state = Volatile.Read(ref _state);
        return (state & 1) == 0 && Sequence == sequence && Interlocked.CompareExchange(ref _state, state | 1, state) == state;
    }

    /// <summary>
    /// Takes its reply, on the thread that receives. Returns true when <see cref="Complete"/> must now be called on the thread
    /// pool.
    /// </summary>
    /// <param name="token">The frame's first token.</param>
    /// <param name="frame">The whole frame; not valid after the call.</param>
    public abstract bool Answer(in RespToken token, ReadOnlySpan<byte> frame);

    /// <summary>Ends a claimed operation without a reply, on any thread; what its caller does next runs on the thread pool.</summary>
    public abstract void Abandon(ReplyKind outcome);

    /// <summary>Hands the reply to the caller, whose code may run inside the call.</summary>
    public abstract void Complete();

    void IThreadPoolWorkItem.Execute() => Complete();

    protected void BeginNextLife()
    {
        // In this order: who reads the new state sees that the operation has no place yet.
        Sequence = NoSequence;
        Volatile.Write(ref _state, (_state | 1) + 1);
    }
}
