using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>Single calls of the cache, each written down with its start, its end and what came of it.</summary>
internal sealed class Operations
{
    private readonly IShardedCache _cache;
    private readonly OperationLog _log;
    private readonly TimeProvider _time;
    private readonly byte _process;
    private readonly string[] _names;
    private readonly byte[] _shards;

    public Operations(IShardedCache cache, OperationLog log, TimeProvider time, WorkerSettings settings, KeySpace keys)
    {
        (_cache, _log, _time, _process) = (cache, log, time, (byte)settings.Process);
        _names = [.. Enumerable.Range(0, keys.Count).Select(keys.Name)];
        var shards = settings.Shards.Index().ToDictionary(static shard => shard.Item, static shard => (byte)shard.Index);
        _shards = [.. _names.Select(name => shards[cache.GetShard(name)])];
    }

    public async Task RunAsync(int key, OperationKind kind, Expiration expiration, int sequence)
    {
        var value = kind == OperationKind.Set ? new ValueId(_process, sequence) : default;
        var payload = kind == OperationKind.Set ? Payload.Create(value, key) : null;
        var index = Begin(key, kind, value, expiration);
        if (index < 0)
        {
            return;
        }

        try
        {
            switch (kind)
            {
                case OperationKind.Set:
                    await _cache.SetAsync(_names[key], payload!, expiration.ToOptions(_time));
                    End(index, Outcome.Done);
                    break;
                case OperationKind.Get:
                    Found(index, key, await _cache.GetAsync(_names[key]));
                    break;
                case OperationKind.Remove:
                    await _cache.RemoveAsync(_names[key]);
                    End(index, Outcome.Done);
                    break;
                default:
                    await _cache.RefreshAsync(_names[key]);
                    End(index, Outcome.Done);
                    break;
            }
        }
        catch (Exception e)
        {
            Failed(index, e);
        }
    }

    /// <summary>A read of the end.</summary>
    public async Task ReadAtEndAsync(int key)
    {
        var index = Begin(key, OperationKind.Get, default, default);
        _log[index].IsFinal = true;
        try
        {
            Found(index, key, await _cache.GetAsync(_names[key]));
        }
        catch (Exception e)
        {
            Failed(index, e);
        }
    }

    private int Begin(int key, OperationKind kind, ValueId value, Expiration expiration)
    {
        var index = _log.Begin();
        if (index >= 0)
        {
            ref var operation = ref _log[index];
            operation.Key = key;
            operation.Kind = kind;
            operation.Process = _process;
            operation.Shard = _shards[key];
            operation.Value = value;
            operation.AbsoluteMilliseconds = expiration.Absolute;
            operation.SlidingMilliseconds = expiration.Sliding;
            operation.Start = Ticks.Now;
        }

        return index;
    }

    private void Found(int index, int key, byte[]? bytes)
    {
        _log[index].End = Ticks.Now;
        if (bytes is null)
        {
            _log[index].Outcome = Outcome.Miss;
            return;
        }

        var value = Payload.Identify(bytes, key);
        _log[index].Value = value ?? default;
        _log[index].Outcome = value is null ? Outcome.WrongBytes : Outcome.Hit;
    }

    private void End(int index, Outcome outcome)
    {
        _log[index].End = Ticks.Now;
        _log[index].Outcome = outcome;
    }

    private void Failed(int index, Exception exception)
    {
        End(index, Outcome.Failed);
        _log[index].Error = _log.ErrorId(exception);
    }
}
