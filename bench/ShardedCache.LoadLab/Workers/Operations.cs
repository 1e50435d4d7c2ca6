using System.Buffers;
using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>Calls of the cache, each written down with its start, its end and what came of it.</summary>
internal sealed class Operations
{
    private readonly IShardedCache _cache;
    private readonly TimeProvider _time;
    private readonly byte _process;
    private readonly string[] _names;
    private readonly Recorder _recorder;

    public Operations(IShardedCache cache, OperationLog log, TimeProvider time, WorkerSettings settings, KeySpace keys)
    {
        (_cache, _time, _process) = (cache, time, (byte)settings.Process);
        _names = [.. Enumerable.Range(0, keys.Count).Select(keys.Name)];
        var shards = settings.Shards.Index().ToDictionary(static shard => shard.Item, static shard => (byte)shard.Index);
        _recorder = new Recorder(log, _process, [.. _names.Select(name => shards[cache.GetShard(name)])]);
    }

    /// <summary>A read of the end.</summary>
    public Task ReadAtEndAsync(int key) => RunAsync(new Call(OperationKind.Get, CallForm.Plain, [key], default, 0), isFinal: true);

    /// <summary>Never throws.</summary>
    public async Task RunAsync(Call call, bool isFinal = false)
    {
        var payloads = call.Kind == OperationKind.Set
            ? call.Keys.Select((key, i) => Payload.Create(new ValueId(_process, call.FirstSequence + i), key)).ToArray()
            : [];
        if (_recorder.Begin(call, isFinal) is not { } places)
        {
            return;
        }

        try
        {
            switch (call.Kind)
            {
                case OperationKind.Get:
                    _recorder.Found(places, call.Keys, await GetAsync(call));
                    return;
                case OperationKind.Set:
                    await SetAsync(call, payloads);
                    break;
                case OperationKind.Remove:
                    await RemoveAsync(call);
                    break;
                default:
                    await RefreshAsync(call);
                    break;
            }

            _recorder.Done(places);
        }
        catch (Exception e)
        {
            _recorder.Failed(places, e);
        }
    }

    private async ValueTask<byte[]?[]> GetAsync(Call call)
    {
        var name = _names[call.Keys[0]];
        switch (call.Form)
        {
            case CallForm.Buffered:
                var buffer = new ArrayBufferWriter<byte>();
                return [await _cache.TryGetAsync(name, buffer) ? buffer.WrittenSpan.ToArray() : null];
            case CallForm.Synchronous:
                return [_cache.Get(name)];
            case CallForm.Batch:
                return await _cache.GetManyAsync(NamesOf(call));
            default:
                return [await _cache.GetAsync(name)];
        }
    }

    private async ValueTask SetAsync(Call call, byte[][] payloads)
    {
        var name = _names[call.Keys[0]];
        var options = call.Expiration.ToOptions(_time);
        switch (call.Form)
        {
            case CallForm.Buffered:
                await _cache.SetAsync(name, new ReadOnlySequence<byte>(payloads[0]), options);

                // A caller may use its buffer again as soon as the call is over; whoever still reads it stores this.
                payloads[0].AsSpan().Fill(0xEE);
                break;
            case CallForm.Synchronous:
                _cache.Set(name, payloads[0], options);
                break;
            case CallForm.Batch:
                await _cache.SetManyAsync([.. NamesOf(call).Zip(payloads, KeyValuePair.Create)], options);
                break;
            default:
                await _cache.SetAsync(name, payloads[0], options);
                break;
        }
    }

    private async ValueTask RemoveAsync(Call call)
    {
        var name = _names[call.Keys[0]];
        switch (call.Form)
        {
            case CallForm.Synchronous:
                _cache.Remove(name);
                break;
            case CallForm.Batch:
                await _cache.RemoveManyAsync(NamesOf(call));
                break;
            default:
                await _cache.RemoveAsync(name);
                break;
        }
    }

    private async ValueTask RefreshAsync(Call call)
    {
        if (call.Form == CallForm.Synchronous)
        {
            _cache.Refresh(_names[call.Keys[0]]);
        }
        else
        {
            await _cache.RefreshAsync(_names[call.Keys[0]]);
        }
    }

    private string[] NamesOf(Call call) => [.. call.Keys.Select(key => _names[key])];
}
