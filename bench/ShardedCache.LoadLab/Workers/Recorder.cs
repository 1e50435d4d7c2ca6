using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>Writes operations down: that they began, and how they ended.</summary>
internal sealed class Recorder(OperationLog log, byte process, byte[] shards)
{
    /// <summary>A place in the log for each of the call's keys; null when the log is full.</summary>
    public int[]? Begin(Call call, bool isFinal = false)
    {
        var places = new int[call.Keys.Length];
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = log.Begin();
            if (places[i] < 0)
            {
                return null;
            }

            ref var operation = ref log[places[i]];
            operation.Key = call.Keys[i];
            operation.Kind = call.Kind;
            operation.Form = call.Form;
            operation.Process = process;
            operation.Shard = shards[call.Keys[i]];
            operation.Value = call.Kind == OperationKind.Set ? new ValueId(process, call.FirstSequence + i) : default;
            operation.AbsoluteMilliseconds = call.Kind == OperationKind.Set ? call.Expiration.Absolute : 0;
            operation.SlidingMilliseconds = call.Kind == OperationKind.Set ? call.Expiration.Sliding : 0;
            operation.IsFinal = isFinal;
        }

        var start = Ticks.Now;
        foreach (var place in places)
        {
            log[place].Start = start;
        }

        return places;
    }

    public void Done(int[] places)
    {
        var end = Ticks.Now;
        foreach (var place in places)
        {
            End(place, end, Outcome.Done);
        }
    }

    public void Failed(int[] places, Exception exception)
    {
        var end = Ticks.Now;
        var error = log.ErrorId(exception);
        foreach (var place in places)
        {
            log[place].Error = error;
            End(place, end, Outcome.Failed);
        }
    }

    /// <summary>What reads returned: null for a miss.</summary>
    public void Found(int[] places, int[] keys, byte[]?[] values)
    {
        var end = Ticks.Now;
        for (var i = 0; i < places.Length; i++)
        {
            var value = values[i] is { } bytes ? Payload.Identify(bytes, keys[i]) : null;
            log[places[i]].Value = value ?? default;
            End(places[i], end, values[i] is null ? Outcome.Miss : value is null ? Outcome.WrongBytes : Outcome.Hit);
        }
    }

    private void End(int place, long end, Outcome outcome)
    {
        log[place].End = end;
        log[place].Outcome = outcome;
    }
}
