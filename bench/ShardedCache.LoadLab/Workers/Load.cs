using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>
/// Open-loop load: calls start by the clock, whether or not earlier ones have come back, so that a stall is seen by all that
/// fall into it.
/// </summary>
internal sealed class Load(CallMix mix, Operations operations)
{
    // After a stop of the process the missed calls would come as one burst, which no open-loop load has.
    private static readonly long MostBehind = Ticks.Of(100);

    private readonly SynchronousCallers _synchronous = new(operations);
    private volatile bool _stopped;
    private Thread? _thread;
    private int _running;

    public long LatestStart { get; private set; }

    public long Skipped { get; private set; }

    /// <param name="rate">Calls per second.</param>
    public void Start(int rate)
    {
        _synchronous.Start();
        _thread = new Thread(() => Run(rate)) { IsBackground = true, Name = "load" };
        _thread.Start();
    }

    /// <summary>Starts no more calls and waits for those that run; false if some do not come back.</summary>
    public bool Stop(TimeSpan patience)
    {
        _stopped = true;
        _thread?.Join();
        return SpinWait.SpinUntil(() => Volatile.Read(ref _running) == 0, patience);
    }

    private void Run(int rate)
    {
        var interval = Ticks.Of(1000) / rate;
        var due = Ticks.Now;
        while (!_stopped)
        {
            var now = Ticks.Now;
            LatestStart = Math.Max(LatestStart, now - due);
            if (now - due > MostBehind)
            {
                Skipped += (now - due) / interval;
                due = now;
            }

            for (; due <= now; due += interval)
            {
                Begin();
            }

            Thread.Sleep(1);
        }
    }

    private void Begin()
    {
        if (mix.Next() is not { } call)
        {
            Skipped++;
            return;
        }

        Interlocked.Increment(ref _running);
        if (call.Form == CallForm.Synchronous)
        {
            _synchronous.Add(call, () => Done(call));
        }
        else
        {
            _ = RunAsync(call);
        }
    }

    private async Task RunAsync(Call call)
    {
        await operations.RunAsync(call);
        Done(call);
    }

    private void Done(Call call)
    {
        mix.Release(call);
        Interlocked.Decrement(ref _running);
    }
}
