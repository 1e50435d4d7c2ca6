using System.Buffers;
using BenchmarkDotNet.Attributes;
using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;
using ShardedCache.Farm.Worker;

namespace ShardedCache.Benchmarks;

/// <summary>
/// What the local tier and the journal add to an operation on a shard that is up. Promised: at most 150 ns. The figures of a write
/// include its part in the proof: every 5,000 writes a round is assigned and retired, as 50,000 sets a second make it.
/// </summary>
[SimpleJob(warmupCount: 3, iterationCount: 15)]
[MinColumn]
[MemoryDiagnoser]
public class LocalStoreBenchmarks
{
    private const int Keys = 16_384;
    private const int WritesPerRound = 5_000;

    private readonly StampClock _clock = new(TimeProvider.System);
    private readonly IServerConnection _connection = new InProcessConnection();
    private readonly EntryReader _reader = new();
    private readonly StoredKey[] _keys = [.. Enumerable.Range(0, Keys).Select(static i => new StoredKey([], $"user:{i}:profile", (ulong)i * 0x9E3779B97F4A7C15))];
    private LocalStore _store = null!;
    private ReadOnlySequence<byte> _payload;
    private EntryExpiration _expiration;
    private int _next;
    private long _round;

    [Params(128, 1024)]
    public int Payload { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _payload = new(new byte[Payload]);
        _expiration = new EntryExpiration(_clock.NowMilliseconds + 3_600_000_000, 0, default);
        _store = new LocalStore("shard-0", new(64 * 1024 * 1024, 64 * 1024, EntryHeader.TombstoneLife), new(64 * 1024 * 1024), _clock, new(null));
        for (var i = 0; i < Keys; i++)
        {
            Write();
        }
    }

    [Benchmark]
    public void Write()
    {
        var key = _keys[_next++ & (Keys - 1)];
        var hash = _store.Lookup.Prefetch(key);
        var payload = PayloadSource.Of(_payload);
        var stripe = _store.StripeOf(key);
        EntryRef written;
        lock (stripe.Lock)
        {
            var sought = stripe.Seek(hash);
            sought?.PrefetchPayload();
            var entry = _store.Write(stripe, sought, key, EntryHeader.Value(new Stamp((ulong)_next << 10), _expiration), payload, _connection);
            written = EntryRef.To(entry);
        }

        _store.Added();
        _store.Answered(written, _connection, isAcknowledged: true);
        if (_next % WritesPerRound == 0)
        {
            _store.Close(++_round);
            _store.Retire(_round);
        }
    }

    /// <summary>What is looked up before a read.</summary>
    [Benchmark]
    public long ReadKnown()
    {
        var key = _keys[_next++ & (Keys - 1)];
        var hash = _store.Lookup.Prefetch(key);
        if (_store.Lookup.TryLook(key, hash, out var known))
        {
            _reader.Keep(known.Stamp, known.ConfirmedAt, 64 * 1024);
        }

        return _reader.SaysAgain(1000) ? 1 : 0;
    }
}
