namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>A command off the hot path: the caller awaits its own task, the client's is observed in any case.</summary>
internal sealed class ControlOperation<T>(Func<ReplyKind, T> abandon) : PendingOperation
{
    private readonly TaskCompletionSource<T> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Reply => _reply.Task;

    public override bool HasReply => false;

    public void Complete(T reply)
    {
        if (TryClaim())
        {
            _reply.SetResult(reply);
        }
    }

    public void Cancel(CancellationToken cancellationToken)
    {
        if (TryClaim())
        {
            _reply.SetCanceled(cancellationToken);
        }
    }

    public override void Abandon(ReplyKind outcome) => _reply.SetResult(abandon(outcome));
}
