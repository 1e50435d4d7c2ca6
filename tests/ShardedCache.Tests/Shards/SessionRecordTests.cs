using ShardedCache.Connections;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>What the journal keeps of a session's changes when reads, refusals and other clocks come between.</summary>
public sealed class SessionRecordTests : SessionOutage
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_read_that_was_sent_before_a_commit_and_is_answered_after_it_takes_nothing_out_of_the_journal(bool isLate)
    {
        await StartAsync();
        var known = await CommitAsync(new SessionLoad(), ("a", "1"));
        await UntilProvenAsync();
        var replicated = A.Store.ToArray();
        A.Replication.Replicas = 1;
        A.Replication.Acknowledged = A.Replication.Offset;
        var slow = new TaskCompletionSource<Reply>();
        A.GetLater = () => isLate ? slow.Task : null;
        var read = LoadAsync();
        A.GetLater = static () => null;
        await SendAsync(known, ("b", "2"));
        Assert.Equal("a=1 b=2", On(A));
        slow.SetResult(Reply.Ok);
        Assert.Equal("a=1", Show(await read));

        await FailAsync();
        B.TakeOverFrom(A, replicated, offset: 0);
        await PromoteAsync();

        Assert.Equal("a=1 b=2", On(B));
    }
}
