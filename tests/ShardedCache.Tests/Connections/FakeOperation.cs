using ShardedCache.Connections;

namespace ShardedCache.Tests.Connections;

internal sealed class FakeOperation : PendingOperation
{
    public ReplyKind? Outcome { get; private set; }

    public bool ReplyIsHere { get; set; }

    public override bool HasReply => ReplyIsHere;

    public override void Abandon(ReplyKind outcome)
    {
        Assert.Null(Outcome);
        Outcome = outcome;
    }
}
