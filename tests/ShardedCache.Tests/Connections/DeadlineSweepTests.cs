using ShardedCache.Connections;

namespace ShardedCache.Tests.Connections;

public sealed class DeadlineSweepTests : IDisposable
{
    private readonly DeadlineSweep _sweep = new(TimeProvider.System);
    private readonly Target _target = new();

    public void Dispose() => _sweep.Dispose();

    [Fact]
    public void It_sleeps_while_nothing_is_awaited()
    {
        _target.IsIdle = true;
        _sweep.Add(_target);

        Assert.True(SpinWait.SpinUntil(() => _sweep.IsAsleep, TimeSpan.FromSeconds(20)));
        var visits = _target.Visits;
        _sweep.Wake();
        Assert.True(SpinWait.SpinUntil(() => _target.Visits > visits, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void Whatever_comes_while_it_goes_to_sleep_is_swept()
    {
        _sweep.Add(_target);
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            _target.IsIdle = true;
            Assert.True(SpinWait.SpinUntil(() => _sweep.IsAsleep || random.Next(400_000) == 0, TimeSpan.FromSeconds(20)));
            var visits = _target.Visits;
            _target.IsIdle = false;
            _sweep.Wake();

            Assert.True(SpinWait.SpinUntil(() => _target.Visits > visits, TimeSpan.FromSeconds(20)), $"Not swept in round {i}.");
        }
    }

    private sealed class Target : ISweepTarget
    {
        private bool _isIdle;
        private int _visits;

        public bool IsIdle
        {
            get => Volatile.Read(ref _isIdle);
            set => Volatile.Write(ref _isIdle, value);
        }

        public int Visits => Volatile.Read(ref _visits);

        public void Sweep(long now) => Interlocked.Increment(ref _visits);
    }
}
