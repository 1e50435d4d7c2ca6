using Microsoft.Extensions.Time.Testing;
using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

public class DebounceTests
{
    private static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(20);

    private readonly FakeTimeProvider _time = new();
    private readonly Debounce _debounce;

    public DebounceTests() => _debounce = new(_time);

    [Fact]
    public async Task Without_a_signal_it_wakes_after_the_longest_wait()
    {
        var wake = Wait();

        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(wake.IsCompleted);

        _time.Advance(TimeSpan.FromMilliseconds(1));
        await wake;
    }

    [Fact]
    public async Task The_first_signal_after_a_quiet_time_wakes_at_once()
    {
        var wake = Wait();

        _debounce.Signal();

        await wake;
    }

    [Fact]
    public async Task Signals_close_together_wake_once_more_when_the_gap_is_over()
    {
        _debounce.Signal();
        await Wait();

        for (var i = 0; i < 100; i++)
        {
            _debounce.Signal();
        }

        var second = Wait();
        Assert.False(second.IsCompleted);
        await AdvanceUntil(second, Gap);

        var third = Wait();
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(third.IsCompleted);
    }

    [Fact]
    public async Task A_signal_that_comes_while_nobody_waits_is_not_lost()
    {
        _debounce.Signal();

        await Wait();
    }

    [Fact]
    public async Task The_wait_can_be_cancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var wake = _debounce.WaitAsync(Gap, TimeSpan.FromSeconds(1), cancellation.Token);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wake);
    }

    private Task Wait() => _debounce.WaitAsync(Gap, TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);

    private async Task AdvanceUntil(Task task, TimeSpan exactly)
    {
        _time.Advance(exactly - TimeSpan.FromMilliseconds(1));
        Assert.False(task.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await task;
    }
}
