namespace ShardedCache.Connections.Resp;

/// <summary>A command off the hot path.</summary>
internal abstract class RespControlOperation<T> : RespOperation
{
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask<T> ReplyAsync(CancellationToken cancellationToken)
    {
        var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((RespControlOperation<T>)state!).Cancel(token), this);
        await using (registration.ConfigureAwait(false))
        {
            return await _source.Task.ConfigureAwait(false);
        }
    }

    public override bool Answer(in RespToken token, ReadOnlySpan<byte> frame)
    {
        var reply = Read(token, frame);
        if (TryClaim())
        {
            _source.SetResult(reply);
        }

        return false;
    }

    public override void Abandon(ReplyKind outcome) => _source.SetResult(Outcome(outcome));

    public override void Complete()
    {
    }

    protected abstract T Read(in RespToken token, ReadOnlySpan<byte> frame);

    protected abstract T Outcome(ReplyKind kind);

    private void Cancel(CancellationToken cancellationToken)
    {
        if (TryClaim())
        {
            _source.SetCanceled(cancellationToken);
        }
    }
}

internal sealed class RespCommandOperation : RespControlOperation<ControlReply>
{
    protected override ControlReply Read(in RespToken token, ReadOnlySpan<byte> frame) => RespReplies.Control(frame);

    protected override ControlReply Outcome(ReplyKind kind) =>
        kind == ReplyKind.TimedOut ? ControlReply.TimedOut : ControlReply.ConnectionLost;
}

/// <summary>Refused by a reply, like any command; accepted by a push.</summary>
internal sealed class RespSubscribeOperation : RespControlOperation<Reply>
{
    protected override Reply Read(in RespToken token, ReadOnlySpan<byte> frame) =>
        token.Kind == RespKind.Error ? RespReplies.Error(token.Body(frame)) : Reply.Ok;

    protected override Reply Outcome(ReplyKind kind) => new(kind);
}
