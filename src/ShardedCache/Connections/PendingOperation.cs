namespace ShardedCache.Connections;

/// <summary>
/// An operation whose reply is awaited. Reply, deadline, cancellation and the connection's end compete for it; who claims it
/// first decides its outcome.
/// </summary>
internal abstract class PendingOperation
{
    public const long NotSeen = -1;

    private int _claimed;

    /// <summary>
    /// The sweep's time at the first tick that has seen it, or <see cref="NotSeen"/>: no clock is read per operation, and a tick
    /// that comes late makes no deadline early.
    /// </summary>
    public long Since { get; set; }

    public PendingOperation? Previous { get; set; }

    public PendingOperation? Next { get; set; }

    /// <summary>The reply is here already, and only its continuation has yet to run: too late for a time-out.</summary>
    public abstract bool HasReply { get; }

    public bool IsClaimed => Volatile.Read(ref _claimed) != 0;

    public bool TryClaim() => Interlocked.Exchange(ref _claimed, 1) == 0;

    /// <summary>Completes a claimed operation without a reply; continuations run on the thread pool.</summary>
    public abstract void Abandon(ReplyKind outcome);

    protected void Unclaim() => Volatile.Write(ref _claimed, 0);
}
