using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

public class PendingRepliesTests
{
    private readonly PendingReplies _pending = new();

    [Fact]
    public void Replies_are_taken_in_the_order_of_the_commands_however_many_are_awaited()
    {
        var operations = Enumerable.Range(0, 5000).Select(_ => new Operation()).ToArray();
        var next = 0;
        foreach (var operation in operations)
        {
            Add(operation);
            if (operation.Sequence % 3 == 0)
            {
                Assert.Same(operations[next++], _pending.Oldest());
                _pending.RemoveOldest();
            }
        }

        for (; _pending.Oldest() is { } oldest; _pending.RemoveOldest())
        {
            Assert.Same(operations[next++], oldest);
        }

        Assert.Equal(operations.Length, next);
    }

    [Fact]
    public void Where_room_was_made_for_many_adding_them_needs_no_memory()
    {
        var operations = Enumerable.Range(0, 1000).Select(_ => new Operation()).ToArray();
        Assert.True(_pending.TryMakeRoom(operations.Length));

        var allocated = Allocations.Of(() =>
        {
            foreach (var operation in operations)
            {
                _pending.Add(operation);
            }

            Assert.Same(operations[0], _pending.Oldest());
            while (_pending.Oldest() is not null)
            {
                _pending.RemoveOldest();
            }
        });

        Assert.Equal(0, allocated);
    }

    [Fact]
    public void There_is_no_room_for_more_than_the_limit()
    {
        Assert.True(_pending.TryMakeRoom(RespLimits.MostPending));
        Assert.False(_pending.TryMakeRoom(RespLimits.MostPending + 1));
        Add();
        Assert.False(_pending.TryMakeRoom(RespLimits.MostPending));
    }

    [Fact]
    public void An_operation_times_out_when_it_has_waited_since_the_first_tick_that_saw_it_and_not_earlier()
    {
        var deadlines = new RespDeadlines(_pending, timeoutMilliseconds: 100);
        Assert.Null(deadlines.Expire(1000));
        var first = Add();
        Assert.Equal(1020, deadlines.Expire(1020));
        var second = Add();
        Assert.Equal(1020, deadlines.Expire(1100));
        Assert.Null(first.Outcome);

        Assert.Equal(1020, deadlines.Expire(1120));
        Assert.Equal(ReplyKind.TimedOut, first.Outcome);
        Assert.Null(second.Outcome);

        // It stays awaited: it still tells whether the server answers.
        _pending.RemoveOldest();
        Assert.Equal(1100, deadlines.Expire(1140));
        deadlines.Expire(1200);
        Assert.Equal(ReplyKind.TimedOut, second.Outcome);
        _pending.RemoveOldest();
        Assert.Null(deadlines.Expire(1220));
    }

    [Fact]
    public void What_was_sent_again_in_another_form_is_due_when_it_would_have_been_at_its_first_place()
    {
        var deadlines = new RespDeadlines(_pending, timeoutMilliseconds: 100);
        var operation = Add();
        var first = operation.Sequence;
        deadlines.Expire(0);
        Add(operation);
        deadlines.SentAgain(first, operation.Sequence);
        _pending.RemoveOldest();
        deadlines.Expire(80);
        Assert.Null(operation.Outcome);

        deadlines.Expire(100);
        Assert.Equal(ReplyKind.TimedOut, operation.Outcome);
    }

    [Fact]
    public void What_has_its_reply_is_neither_timed_out_nor_lost()
    {
        var deadlines = new RespDeadlines(_pending, timeoutMilliseconds: 100);
        var answered = Add();
        deadlines.Expire(0);
        Assert.True(answered.TryClaim());

        deadlines.Expire(500);
        _pending.Abandon(_pending.Start, _pending.End, ReplyKind.ConnectionLost);
        Assert.Null(answered.Outcome);
    }

    [Fact]
    public void An_operation_in_its_next_life_is_not_taken_for_the_one_that_it_was()
    {
        var operation = Add();
        var first = operation.Sequence;
        Assert.True(operation.TryClaim());
        _pending.RemoveOldest();
        operation.Renew();

        Assert.False(operation.TryClaim(first));
        Add(operation);
        Assert.False(operation.TryClaim(first));
        Assert.True(operation.TryClaim(operation.Sequence));
        Assert.False(operation.TryClaim());
    }

    [Fact]
    public void An_operation_in_its_next_life_on_another_connection_is_not_taken_from_its_old_place()
    {
        var operation = Add();
        Assert.True(operation.TryClaim());
        operation.Renew();
        var another = new PendingReplies();
        Assert.True(another.TryMakeRoom(1));
        another.Add(operation);

        _pending.Abandon(_pending.Start, _pending.End, ReplyKind.TimedOut);

        Assert.Null(operation.Outcome);
    }

    private Operation Add()
    {
        var operation = new Operation();
        Add(operation);
        return operation;
    }

    private void Add(Operation operation)
    {
        Assert.True(_pending.TryMakeRoom(1));
        _pending.Add(operation);
    }

    private sealed class Operation : RespOperation
    {
        public ReplyKind? Outcome { get; private set; }

        public void Renew() => BeginNextLife();

        public override bool Answer(in RespToken token, ReadOnlySpan<byte> frame) => false;

        public override void Abandon(ReplyKind outcome) => Outcome = outcome;

        public override void Complete()
        {
        }
    }
}
