using Microsoft.Extensions.Time.Testing;

namespace ShardedCache.Tests.Sentinels;

/// <summary>A clock of a test's own that knows how many wait for it: to advance it before they do would be lost on them.</summary>
internal sealed class PausingTime : FakeTimeProvider
{
    private int _pauses;

    public int Pauses => Volatile.Read(ref _pauses);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);

        // Not before it is set: only then it would not miss an advance.
        Interlocked.Increment(ref _pauses);
        return new Pause(timer, () => Interlocked.Decrement(ref _pauses));
    }

    private sealed class Pause(ITimer timer, Action onEnd) : ITimer
    {
        private Action? _onEnd = onEnd;

        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(dueTime, period);

        public void Dispose()
        {
            Interlocked.Exchange(ref _onEnd, null)?.Invoke();
            timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
