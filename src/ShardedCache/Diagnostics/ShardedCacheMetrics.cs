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
    private readonly Counter<long> _fallbackReads;
    private readonly Counter<long> _fallbackWrites;
    private readonly Counter<long> _replayed;
    private readonly Counter<long> _journalDropped;
    private readonly Counter<long> _pagesRefused;

    /// <param name="factory">Null where the container has none.</param>
    /// <param name="cache">The key of a keyed cache, whose meter is its own; the factory gives out one meter for what is called the same.</param>
    public ShardedCacheMetrics(IMeterFactory? factory, string cache = "")
    {
        var options = new MeterOptions(MeterName) { Tags = cache.Length == 0 ? null : [new("shardedcache.cache.name", cache)] };
        _meter = factory?.Create(options) ?? new Meter(options);
        _requests = _meter.CreateCounter<long>("dotnet.cache.requests", "{request}", "Reads that found an entry or did not.");
        _failures = _meter.CreateCounter<long>("shardedcache.operation.failures", "{operation}", "Operations that the shard did not answer.");
        _foreign = _meter.CreateCounter<long>("shardedcache.entry.foreign", "{entry}", "Reads that found bytes or a type that is not an entry of ours.");
        _evicted = _meter.CreateCounter<long>("shardedcache.entry.evicted", "{entry}", "Writes that the server had no memory for; the key was removed instead.");
        _stampsRefused = _meter.CreateCounter<long>("shardedcache.stamp.refused", "{stamp}", "Stamps read that lie too far in the future to be adopted.");
        _transitions = _meter.CreateCounter<long>("shardedcache.shard.transitions", "{transition}", "Changes of a shard's state.");
        _fallbackReads = _meter.CreateCounter<long>(
            "shardedcache.fallback.reads", "{request}", "Reads answered without the master: by the journal, the replica, the copy in memory, or as a miss.");
        _fallbackWrites = _meter.CreateCounter<long>(
            "shardedcache.fallback.writes", "{operation}", "Writes, removals and refreshes answered without the master: kept in the journal or, with Bypass, dropped.");
        _replayed = _meter.CreateCounter<long>("shardedcache.journal.replayed", "{record}", "Records of the journal brought to a master, by outcome.");
        _journalDropped = _meter.CreateCounter<long>(
            "shardedcache.journal.dropped", "{record}", "Records that lost their value or were forgotten, by reason: the journal's bound, or their age.");
        _pagesRefused = _meter.CreateCounter<long>(
            "shardedcache.page.refused", "{page}", "Pages of the output cache that were not stored, because of their key, size or tags.");
    }

    /// <summary>Publishes a gauge that is read when somebody collects: 1 where the shard serves, else 0.</summary>
    public void ObserveShards(Func<IEnumerable<Measurement<int>>> observe) =>
        _meter.CreateObservableGauge("shardedcache.shard.up", observe, "1", "Whether the shard serves operations.");

    /// <summary>Publishes the memory that the journals take, read when somebody collects.</summary>
    public void ObserveJournal(Func<IEnumerable<Measurement<long>>> observe) =>
        _meter.CreateObservableUpDownCounter("shardedcache.journal.size", observe, "By", "Keys and values not yet proven to be replicated.");

    public void FallbackRead(string shard, string source) => _fallbackReads.Add(1, Shard(shard), new("shardedcache.fallback.source", source));

    public void FallbackWrite(string shard) => _fallbackWrites.Add(1, Shard(shard));

    public void Replayed(string shard, string outcome) => _replayed.Add(1, Shard(shard), new("shardedcache.replay.outcome", outcome));

    public void JournalValuesDropped(string shard, int count) => Dropped(shard, count, "value_beyond_bound");

    public void JournalKeysDropped(string shard, int count) => Dropped(shard, count, "key_beyond_bound");

    public void JournalOutlived(string shard) => Dropped(shard, 1, "value_too_old");

    private void Dropped(string shard, int count, string reason) =>
        _journalDropped.Add(count, Shard(shard), new("shardedcache.journal.dropped.reason", reason));

    public void PageRefused(string reason) => _pagesRefused.Add(1, new KeyValuePair<string, object?>("shardedcache.page.refused.reason", reason));

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
