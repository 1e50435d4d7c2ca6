using Microsoft.Extensions.Time.Testing;
using ShardedCache.Connections;

namespace ShardedCache.Tests.Connections;

public sealed class SweepClockTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_tick_credits_the_time_that_has_passed()
    {
        var clock = new SweepClock(_time);
        _time.Advance(TimeSpan.FromMilliseconds(20));
        Assert.Equal(20, clock.Tick());
        _time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Equal(119, clock.Tick());
    }

    [Fact]
    public void A_tick_credits_at_most_100_ms_however_long_the_process_was_stopped()
    {
        var clock = new SweepClock(_time);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(100, clock.Tick());
        _time.Advance(TimeSpan.FromMilliseconds(20));
        Assert.Equal(120, clock.Tick());
    }

    [Fact]
    public void Parts_of_a_millisecond_are_not_lost()
    {
        var clock = new SweepClock(_time);
        for (var i = 0; i < 100; i++)
        {
            _time.Advance(TimeSpan.FromMicroseconds(900));
            clock.Tick();
        }

        Assert.InRange(clock.Tick(), 88, 90);
    }

    [Fact]
    public void A_stopped_process_kills_no_operation_that_was_young_when_it_stopped()
    {
        var clock = new SweepClock(_time);
        var operations = new PendingOperations(1000);
        var operation = new FakeOperation();
        Assert.True(operations.TryAdd(operation));

        operations.Expire(clock.Tick());
        _time.Advance(TimeSpan.FromSeconds(60));
        operations.Expire(clock.Tick());
        Assert.Null(operation.Outcome);

        for (var i = 0; i < 46; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            operations.Expire(clock.Tick());
        }

        Assert.Equal(ReplyKind.TimedOut, operation.Outcome);
    }
}
