using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>Draws what to do next. Of the keys that a worker owns, one that is in use is not drawn. For one thread, but for <see cref="Release"/>.</summary>
internal sealed class CallMix(WorkerSettings settings, KeySpace keys)
{
    private const int LargestBatch = 5;

    private readonly Random _random = new((settings.Seed * 1000) + settings.Process);
    private readonly bool[] _busy = new bool[keys.Count];
    private int _sequence;

    /// <summary>Null when all the keys that were drawn are in use.</summary>
    public Call? Next()
    {
        var kind = _random.Next(100) switch
        {
            < 50 => OperationKind.Get,
            < 82 => OperationKind.Set,
            < 93 => OperationKind.Remove,
            _ => OperationKind.Refresh,
        };
        var form = _random.Next(100) switch
        {
            < 70 => CallForm.Plain,
            < 88 => CallForm.Buffered,
            < 93 => CallForm.Synchronous,
            _ => kind == OperationKind.Refresh ? CallForm.Plain : CallForm.Batch,
        };
        var drawn = Draw(form == CallForm.Batch ? _random.Next(2, LargestBatch + 1) : 1);
        if (drawn.Length == 0)
        {
            return null;
        }

        var first = kind == OperationKind.Set ? _sequence + 1 : 0;
        _sequence += kind == OperationKind.Set ? drawn.Length : 0;
        return new Call(kind, form, drawn, Expiration.Choose(_random, settings), first);
    }

    /// <summary>The call is over. By any thread.</summary>
    public void Release(Call call)
    {
        foreach (var key in call.Keys)
        {
            Volatile.Write(ref _busy[key], false);
        }
    }

    private int[] Draw(int count)
    {
        var drawn = new List<int>(count);
        for (var attempt = 0; attempt < 8 && drawn.Count < count; attempt++)
        {
            var key = _random.Next(10) switch
            {
                0 => keys.Shared(_random),
                < 6 => keys.Hot(_random),
                _ => keys.Wide(_random),
            };
            if (!drawn.Contains(key) && (keys.IsShared(key) || !Volatile.Read(ref _busy[key])))
            {
                _busy[key] = true;
                drawn.Add(key);
            }
        }

        return [.. drawn];
    }
}
