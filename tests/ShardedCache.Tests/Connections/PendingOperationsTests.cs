using ShardedCache.Connections;

namespace ShardedCache.Tests.Connections;

public sealed class PendingOperationsTests
{
    private const int Due = 1000;

    private readonly PendingOperations _operations = new(Due);

    [Fact]
    public void What_is_overdue_times_out_and_what_is_younger_does_not()
    {
        var (old, young) = (Add(0), Add(1));

        Assert.Equal(0, _operations.Expire(Due - 1));
        Assert.Null(old.Outcome);
        _operations.Expire(Due);
        Assert.Equal(ReplyKind.TimedOut, old.Outcome);
        Assert.Null(young.Outcome);
    }

    [Fact]
    public void An_operation_counts_from_the_first_tick_that_sees_it()
    {
        var operation = new FakeOperation();
        Assert.True(_operations.TryAdd(operation));

        Assert.Equal(5000, _operations.Expire(5000));
        _operations.Expire(5000 + Due - 1);
        Assert.Null(operation.Outcome);
        _operations.Expire(5000 + Due);
        Assert.Equal(ReplyKind.TimedOut, operation.Outcome);
    }

    [Fact]
    public void An_operation_that_timed_out_is_awaited_until_its_reply_comes()
    {
        var (old, young) = (Add(0), Add(500));
        Assert.Equal(0, _operations.Expire(Due));
        Assert.Equal(0, _operations.Expire(Due + 1));

        _operations.Remove(old);
        Assert.Equal(500, _operations.Expire(Due + 2));
        _operations.Remove(young);
        Assert.Null(_operations.Expire(Due + 3));
    }

    [Fact]
    public void A_reply_that_is_here_is_not_timed_out()
    {
        var operation = Add(0);
        operation.ReplyIsHere = true;

        _operations.Expire(10 * Due);
        Assert.Null(operation.Outcome);
    }

    [Fact]
    public void An_operation_has_one_outcome()
    {
        var replied = Add(0);
        Assert.True(replied.TryClaim());
        var expired = Add(0);

        _operations.Expire(Due);
        Assert.True(_operations.TryEnd());
        Assert.Null(replied.Outcome);
        Assert.Equal(ReplyKind.TimedOut, expired.Outcome);
        Assert.False(expired.TryClaim());
    }

    [Fact]
    public void The_end_loses_what_is_pending_and_refuses_what_comes_later()
    {
        var pending = Add(0);

        Assert.True(_operations.TryEnd());
        Assert.Equal(ReplyKind.ConnectionLost, pending.Outcome);
        Assert.False(_operations.TryAdd(new FakeOperation()));
        Assert.False(_operations.TryEnd());
    }

    [Fact]
    public void Operations_are_removed_in_any_order_and_more_than_once()
    {
        var operations = Enumerable.Range(0, 100).Select(i => Add(i)).ToArray();
        Random.Shared.Shuffle(operations);
        foreach (var operation in operations)
        {
            _operations.Remove(operation);
            _operations.Remove(operation);
        }

        Assert.Null(_operations.Expire(0));
        _operations.Remove(new FakeOperation());
        Add(7);
        Assert.Equal(7, _operations.Expire(8));
    }

    private FakeOperation Add(long now)
    {
        var operation = new FakeOperation();
        Assert.True(_operations.TryAdd(operation));
        _operations.Expire(now);
        return operation;
    }
}
