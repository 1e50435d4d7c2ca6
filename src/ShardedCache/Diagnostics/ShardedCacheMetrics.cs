using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ShardedCache.Diagnostics;

/// <summary>The cache's instruments, on the meter <c>ShardedCache</c>. A key is never a dimension; a shard's name is.</summary>
internal sealed class ShardedCacheMetrics : IDisposable
{
    public const string MeterName = "ShardedCache";

    private static readonly KeyValuePair<string, object?> Hit = new("dotnet.cache.request.type", "hit");
    private static readonly KeyValuePair<string, object?> Miss = new("dotnet.cache.request.type", "miss");

    private readonly Meter _meter;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _foreign;
    private readonly Counter<long> _evicted;
    private readonly Counter<long> _stampsRefused;
    private readonly Counter<long> _transitions;

    public ShardedCacheMetrics(IMeterFactory? factory)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _requests = _meter.CreateCounter<long>("dotnet.cache.requests", "{request}", "Reads that found an entry or did not.");
        _failures = _meter.CreateCounter<long>("shardedcache.operation.failures", "{operation}", "Operations that the shard did not answer.");
        _foreign = _meter.CreateCounter<long>("shardedcache.entry.foreign", "{entry}", "Reads that found bytes or a type that is not an entry of ours.");
        _evicted = _meter.CreateCounter<long>("shardedcache.entry.evicted", "{entry}", "Writes that the server had no memory for; the key was removed instead.");
        _stampsRefused = _meter.CreateCounter<long>("shardedcache.stamp.refused", "{stamp}", "Stamps read that lie too far in the future to be adopted.");
        _transitions = _meter.CreateCounter<long>("shardedcache.shard.transitions", "{transition}", "Changes of a shard's state.");
    }

    /// <summary>Publishes a gauge that is read when somebody collects: 1 where the shard serves, else 0.</summary>
    public void ObserveShards(Func<IEnumerable<Measurement<int>>> observe) =>
        _meter.CreateObservableGauge("shardedcache.shard.up", observe, "1", "Whether the shard serves operations.");

    public void Read(string shard, bool hit)
    {
        if (_requests.Enabled)
        {
            _requests.Add(1, hit ? Hit : Miss, Shard(shard));
        }
    }

    public void Failed(string shard, string errorType) => _failures.Add(1, Shard(shard), new("error.type", errorType));

    public void Foreign(string shard) => _foreign.Add(1, Shard(shard));

    public void Evicted(string shard) => _evicted.Add(1, Shard(shard));

    public void StampRefused(string shard) => _stampsRefused.Add(1, Shard(shard));

    public void Transition(string shard, string state)
    {
        var tags = new TagList { Shard(shard), { "shardedcache.shard.state", state } };
        _transitions.Add(1, tags);
    }

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Shard(string name) => new("shardedcache.shard.name", name);
}
