using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>
/// Open-loop load: operations start by the clock, whether or not earlier ones have come back, so that a stall is seen by
/// all that fall into it.
/// </summary>
internal sealed class Load(WorkerSettings settings, KeySpace keys, Operations operations)
{
    // After a stop of the process the missed operations would come as one burst, which no open-loop load has.
    private static readonly long MostBehind = Ticks.Of(100);

    private readonly Random _random = new((settings.Seed * 1000) + settings.Process);
    private readonly bool[] _busy = new bool[keys.Count];
    private volatile bool _stopped;
    private Thread? _thread;
    private int _sequence;
    private int _running;

    public long LatestStart { get; private set; }

    public long Skipped { get; private set; }

    public void Start()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "load" };
        _thread.Start();
    }

    /// <summary>Starts no more operations and waits for those that run; false if some do not come back.</summary>
    public bool Stop(TimeSpan patience)
    {
        _stopped = true;
        _thread?.Join();
        return SpinWait.SpinUntil(() => Volatile.Read(ref _running) == 0, patience);
    }

    private void Run()
    {
        var interval = Ticks.Of(1000) / settings.Rate;
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
        var key = FreeKey();
        if (key < 0)
        {
            Skipped++;
            return;
        }

        Interlocked.Increment(ref _running);
        _ = RunAsync(key, Kind());
    }

    private async Task RunAsync(int key, OperationKind kind)
    {
        try
        {
            await operations.RunAsync(key, kind, Expiration.Choose(_random, settings), kind == OperationKind.Set ? ++_sequence : 0);
        }
        finally
        {
            Volatile.Write(ref _busy[key], false);
            Interlocked.Decrement(ref _running);
        }
    }

    private OperationKind Kind() => _random.Next(100) switch
    {
        < 50 => OperationKind.Get,
        < 82 => OperationKind.Set,
        < 93 => OperationKind.Remove,
        _ => OperationKind.Refresh,
    };

    private int FreeKey()
    {
        for (var attempt = 0; attempt < 8; attempt++)
        {
            var key = _random.Next(10) switch
            {
                0 => keys.Shared(_random),
                < 6 => keys.Hot(_random),
                _ => keys.Wide(_random),
            };
            if (keys.IsShared(key))
            {
                return key;
            }

            if (!Volatile.Read(ref _busy[key]))
            {
                _busy[key] = true;
                return key;
            }
        }

        return -1;
    }
}
