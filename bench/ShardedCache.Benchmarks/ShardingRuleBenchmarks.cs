using System.Text;
using BenchmarkDotNet.Attributes;
using ShardedCache.Connections;
using ShardedCache.Sharding;

namespace ShardedCache.Benchmarks;

/// <summary>The rule over keys of 32 bytes. Promised: 40 ns over 16 shards, 120 ns over 64, nothing allocated.</summary>
[SimpleJob(warmupCount: 3, iterationCount: 10)]
[MinColumn]
[MemoryDiagnoser]
public class ShardingRuleBenchmarks
{
    private const int Keys = 1024;

    private readonly byte[][] _bytes = new byte[Keys][];
    private readonly StoredKey[] _keys = new StoredKey[Keys];
    private ShardingRule _rule = null!;

    [Params(2, 8, 16, 64)]
    public int Shards { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _rule = new ShardingRule([.. Enumerable.Range(0, Shards).Select(static i => new ShardName($"shard-{i}"))]);
        var prefix = "app:"u8.ToArray();
        for (var i = 0; i < Keys; i++)
        {
            _keys[i] = new StoredKey(prefix, $"session:{i:d20}");
            _bytes[i] = Encoding.UTF8.GetBytes("app:" + _keys[i].Name);
        }
    }

    /// <summary>Many keys, so that the processor cannot learn where one key goes.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Keys)]
    public int RouteBytes()
    {
        var sum = 0;
        foreach (var key in _bytes)
        {
            sum += _rule.Route(key);
        }

        return sum;
    }

    /// <summary>The same with the encoding of the caller's string.</summary>
    [Benchmark(OperationsPerInvoke = Keys)]
    public int EncodeAndRoute()
    {
        var sum = 0;
        foreach (ref readonly var key in _keys.AsSpan())
        {
            sum += _rule.Route(key);
        }

        return sum;
    }
}
