using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Tests.Architecture;

namespace ShardedCache.Tests.Shards;

/// <summary>What meters and traces show of the operations.</summary>
public sealed class ObservationTests : IAsyncDisposable
{
    private readonly ShardWorld _world = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ConcurrentQueue<string> _measured = new();
    private readonly MeterListener _meters = new();

    public ObservationTests()
    {
        var factory = _services.GetRequiredService<IMeterFactory>();
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "ShardedCache" && instrument.Meter.Scope == factory)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meters.SetMeasurementEventCallback<long>(Measured);
        _meters.SetMeasurementEventCallback<int>((instrument, value, tags, state) => Measured(instrument, value, tags, state));
        _meters.Start();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        _meters.Dispose();
        await _services.DisposeAsync();
    }

    [Fact]
    public void A_keyed_cache_has_a_meter_of_its_own()
    {
        var factory = _services.GetRequiredService<IMeterFactory>();
        List<string> meters = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Name == "shardedcache.journal.size" && instrument.Meter.Scope == factory)
            {
                meters.Add(string.Concat(instrument.Meter.Tags?.Select(static tag => $"{tag.Key}={tag.Value}") ?? []));
            }
        };
        listener.Start();

        foreach (var cache in (string[])["", "orders"])
        {
            new ShardedCacheMetrics(factory, cache).ObserveJournal(static () => []);
        }

        Assert.Equal(["", "shardedcache.cache.name=orders"], meters);
    }

    [Fact]
    public void Every_instrument_is_documented_with_its_unit()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "health.md"));
        List<Instrument> instruments = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == "ShardedCache" && instrument.Meter.Scope == _services.GetRequiredService<IMeterFactory>())
            {
                instruments.Add(instrument);
            }
        };
        listener.Start();
        using var metrics = new ShardedCacheMetrics(_services.GetRequiredService<IMeterFactory>());
        metrics.ObserveShards(static () => []);
        metrics.ObserveJournal(static () => []);

        Assert.All(instruments, instrument => Assert.Contains($"| `{instrument.Name}` | `{instrument.Unit}` |", page, StringComparison.Ordinal));
        Assert.Equal(instruments.Count, page.Split('\n').Count(static line => line.StartsWith("| `", StringComparison.Ordinal) && line.Contains("` | `", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Hits_misses_and_foreign_bytes_are_counted_by_shard_and_never_by_key()
    {
        await StartAsync();
        await _world.Cache.SetAsync("kept", [1], new(), Token);
        _world.A.Store["foreign"] = "not an entry"u8.ToArray();

        await _world.Cache.GetAsync("kept", Token);
        await _world.Cache.GetManyAsync(["kept", "missing"], Token);
        await _world.Cache.GetAsync("foreign", Token);

        Assert.Equal(
        [
            "dotnet.cache.requests 1 dotnet.cache.request.type=hit shardedcache.shard.name=shard-0",
            "dotnet.cache.requests 1 dotnet.cache.request.type=hit shardedcache.shard.name=shard-0",
            "dotnet.cache.requests 1 dotnet.cache.request.type=miss shardedcache.shard.name=shard-0",
            "shardedcache.entry.foreign 1 shardedcache.shard.name=shard-0",
            "dotnet.cache.requests 1 dotnet.cache.request.type=miss shardedcache.shard.name=shard-0",
        ],
        _measured);
    }

    [Fact]
    public async Task A_failed_operation_is_counted_with_its_cause_and_the_gauge_falls_with_the_shard()
    {
        await StartAsync();
        _meters.RecordObservableInstruments();
        _world.A.IsDown = true;
        _world.A.AnswerEntry = static _ => Reply.FromError("LOADING Redis is loading the dataset in memory");
        await Assert.ThrowsAsync<ShardUnavailableException>(() => _world.Cache.GetAsync("key", Token));
        _meters.RecordObservableInstruments();

        Assert.Equal(
        [
            "shardedcache.shard.up 1 shardedcache.shard.name=shard-0",
            "shardedcache.shard.transitions 1 shardedcache.shard.name=shard-0 shardedcache.shard.state=Suspect",
            "shardedcache.operation.failures 1 shardedcache.shard.name=shard-0 error.type=Loading",
            "shardedcache.shard.up 0 shardedcache.shard.name=shard-0",
        ],
        _measured.Where(static line => !line.Contains("FailingOver", StringComparison.Ordinal) && !line.Contains("journal.size", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_operation_is_one_client_span_with_its_shard_and_without_its_key()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var caller = new Activity("caller").Start();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "ShardedCache",
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (span.TraceId == caller.TraceId)
                {
                    spans.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        await StartAsync();

        await _world.Cache.SetAsync("a-key", [1], new(), Token);
        await _world.Cache.GetAsync("a-key", Token);
        await _world.Cache.RefreshAsync("a-key", Token);
        await _world.Cache.RemoveAsync("a-key", Token);
        await _world.Cache.GetManyAsync(["a-key"], Token);

        Assert.Equal(["set", "get", "refresh", "remove", "get many"], spans.Select(static span => span.OperationName));
        Assert.All(spans, span =>
        {
            Assert.Equal(ActivityKind.Client, span.Kind);
            Assert.Equal(caller.SpanId, span.ParentSpanId);
            Assert.Equal("shard-0", span.GetTagItem("shardedcache.shard.name"));
            Assert.DoesNotContain(span.TagObjects, static tag => tag.Value?.ToString()?.Contains("a-key", StringComparison.Ordinal) == true);
        });
        Assert.Equal(caller, Activity.Current);
    }

    [Fact]
    public async Task A_failed_operation_is_a_failed_span_and_leaves_the_caller_s_alone()
    {
        using var caller = new Activity("caller").Start();
        Activity? span = null;
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "ShardedCache",
            Sample = static (ref _) => ActivitySamplingResult.AllData,
            ActivityStopped = stopped => span = stopped.TraceId == caller.TraceId ? stopped : span,
        };
        ActivitySource.AddActivityListener(listener);
        await StartAsync();
        _world.A.AnswerEntry = static _ => Reply.TimedOut;

        await Assert.ThrowsAsync<ShardUnavailableException>(() => _world.Cache.GetAsync("key", Token));

        Assert.Equal(ActivityStatusCode.Error, span?.Status);
        Assert.Equal("TimedOut", span?.GetTagItem("error.type"));
        Assert.Equal(ActivityStatusCode.Unset, caller.Status);
    }

    [Fact]
    public async Task What_runs_for_the_cache_s_life_is_no_part_of_the_request_that_made_it()
    {
        using var request = new Activity("request").Start();

        await StartAsync();
        _world.A.Break();
        await _world.UntilAsync(() => _world.A.Opened == 2);

        Assert.Empty(_world.LoggingSpans);
    }

    private async Task StartAsync()
    {
        await _world.StartUpAsync(_services.GetRequiredService<IMeterFactory>());

        // Measured just after the state can be seen.
        await _world.UntilAsync(() => _measured.Any(static line => line.EndsWith("shardedcache.shard.state=Up", StringComparison.Ordinal)));
        _measured.Clear();
    }

    private void Measured(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state) =>
        _measured.Enqueue($"{instrument.Name} {value} {string.Join(' ', tags.ToArray().Select(static tag => $"{tag.Key}={tag.Value}"))}");
}
