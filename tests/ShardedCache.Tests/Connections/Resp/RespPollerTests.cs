using Microsoft.Extensions.Time.Testing;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

public sealed class RespPollerTests : IDisposable
{
    private readonly DeadlineSweep _sweep = new(TimeProvider.System);

    public void Dispose() => _sweep.Dispose();

    [Fact]
    public void It_can_be_ended_whatever_its_thread_is_about()
    {
        for (var i = 0; i < 2000; i++)
        {
            new RespPoller(TimeProvider.System, _sweep).End();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void After_its_end_a_caller_that_waits_for_the_next_one_does_not_hold_it_up(bool isAnsweredBefore)
    {
        var poller = new RespPoller(TimeProvider.System, _sweep);
        using var isWaiting = new ManualResetEventSlim();
        using var hasGoneOn = new ManualResetEventSlim();
        using var isThrough = new ManualResetEventSlim();
        var second = new Operation(hasGoneOn.Set);
        var first = new Operation(() =>
        {
            isWaiting.Set();
            if (hasGoneOn.Wait(TimeSpan.FromSeconds(20)))
            {
                isThrough.Set();
            }
        })
        {
            Next = second,
        };
        if (isAnsweredBefore)
        {
            poller.Completions.Add(first, second, 2);
            Assert.True(isWaiting.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
            poller.End();
        }
        else
        {
            poller.End();
            poller.Completions.Add(first, second, 2);
        }

        Assert.True(isThrough.Wait(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Its_thread_does_not_leave_receiving_to_those_who_serve_for_ever_for_they_do_not_look_at_connections_at_rest()
    {
        var poller = new RespPoller(TimeProvider.System, _sweep);
        using var isServing = new ManualResetEventSlim();
        var isOver = false;
        Operation? caller = null;
        caller = new Operation(() =>
        {
            poller.TryReceive();
            isServing.Set();
            if (!Volatile.Read(ref isOver))
            {
                poller.Completions.Add(caller!, caller!, 1);
            }
        });
        poller.Completions.Add(caller, caller, 1);
        Assert.True(isServing.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        var waits = new Thread(() => poller.Completions.WaitWhileServing(isPatient: true)) { IsBackground = true };

        waits.Start();

        var hasGoneOn = waits.Join(TimeSpan.FromSeconds(3));
        Volatile.Write(ref isOver, true);
        poller.End();
        Assert.True(hasGoneOn);
    }

    [Fact]
    public void It_leaves_few_replies_to_those_who_serve_only_while_callers_are_quick()
    {
        var time = new FakeTimeProvider();
        var poller = new RespPoller(time, _sweep);
        var quick = poller.Completions.WorthLookingFor;
        using var hasGoneOn = new SemaphoreSlim(0);

        // Each by itself: how long callers take is learnt from batch to batch.
        for (var i = 0; i < 100; i++)
        {
            var caller = new Operation(() =>
            {
                time.Advance(TimeSpan.FromMilliseconds(1));
                hasGoneOn.Release();
            });
            poller.Completions.Add(caller, caller, 1);
            Assert.True(hasGoneOn.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        }

        Assert.True(SpinWait.SpinUntil(() => poller.Completions.WorthLookingFor > 1, TimeSpan.FromSeconds(20)));
        Assert.Equal(1, quick);
        poller.End();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void A_caller_that_blocks_for_good_holds_up_nobody_who_comes_later(int before)
    {
        var time = new FakeTimeProvider();
        using var sweep = new DeadlineSweep(time);
        var poller = new RespPoller(time, sweep);
        using var isBlocked = new ManualResetEventSlim();
        using var hasGoneOn = new SemaphoreSlim(0);

        // Not disposed: its waiter may come to it late.
        var isOver = new ManualResetEventSlim();
        RespOperation blocking = new Operation(() =>
        {
            isBlocked.Set();
            isOver.Wait();
        });
        var first = blocking;
        for (var i = 0; i < before; i++)
        {
            first = new Operation(static () => { }) { Next = first };
        }

        try
        {
            poller.Completions.Add(first, blocking, before + 1);
            Assert.True(isBlocked.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));

            for (var i = 0; i < 10; i++)
            {
                time.Advance(TimeSpan.FromMilliseconds(1));
                var caller = new Operation(() => hasGoneOn.Release());
                poller.Completions.Add(caller, caller, 1);
                if (i == 0 && before > 0)
                {
                    // When a caller among several began is not known: his time counts from when he is first seen.
                    time.Advance(TimeSpan.FromMilliseconds(1));
                    poller.Completions.Sweep(0);
                }

                Assert.True(hasGoneOn.Wait(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken), $"The {i}th one waits for the sweep.");
            }
        }
        finally
        {
            isOver.Set();
            poller.End();
        }
    }

    private sealed class Operation(Action complete) : RespOperation
    {
        public override bool Answer(in RespToken token, ReadOnlySpan<byte> frame) => true;

        public override void Abandon(ReplyKind outcome)
        {
        }

        public override void Complete() => complete();
    }
}
