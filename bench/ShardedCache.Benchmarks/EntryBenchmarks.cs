using System.Buffers;
using BenchmarkDotNet.Attributes;
using ShardedCache.Entries;

namespace ShardedCache.Benchmarks;

/// <summary>What the entry format costs each operation, beside the network.</summary>
[SimpleJob(warmupCount: 3, iterationCount: 10)]
[MinColumn]
[MemoryDiagnoser]
public class EntryBenchmarks
{
    private readonly byte[] _stored = new byte[EntryHeader.MaxLength + 1024];
    private readonly ArrayBufferWriter<byte> _target = new(4096);
    private readonly StampClock _clock = new(TimeProvider.System);
    private readonly EntryReaderPool _readers = new();
    private readonly TouchLedger _ledger = new();
    private EntryHeader _header;

    [GlobalSetup]
    public void SetUp()
    {
        _header = EntryHeader.Value(_clock.Next(), new EntryExpiration(_clock.NowMilliseconds + 3_600_000_000, 600_000, default));
        _header.Write(_stored);
    }

    [Benchmark]
    public int WriteHeader() => _header.Write(_stored);

    [Benchmark]
    public bool ReadHeader() => EntryHeader.TryRead(_stored, out _, out _);

    [Benchmark]
    public ulong NextStamp() => _clock.Next().Value;

    [Benchmark]
    public bool AskLedger() => _ledger.ShouldTouch("session:1", _header, _clock.NowMilliseconds);

    /// <summary>A whole read of 1 KiB: rent a reader, filter, copy to the target, return the reader.</summary>
    [Benchmark]
    public bool ReadEntry()
    {
        _target.ResetWrittenCount();
        var reader = _readers.Rent();
        reader.Begin(_target, _clock);
        reader.Write(_stored);
        var isValue = reader.Outcome == EntryOutcome.Value;
        _readers.Return(reader);
        return isValue;
    }
}
