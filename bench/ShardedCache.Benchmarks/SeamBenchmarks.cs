using System.Buffers;
using BenchmarkDotNet.Attributes;
using ShardedCache.Connections;
using ShardedCache.Farm.Worker;

namespace ShardedCache.Benchmarks;

/// <summary>A hit of 1 KiB through the connection seam, over a transport that allocates nothing. Promised: 0 bytes.</summary>
[SimpleJob(warmupCount: 3, iterationCount: 10)]
[MemoryDiagnoser]
public class SeamBenchmarks
{
    private readonly StoredKey _key = new("prefix:"u8.ToArray(), "key");
    private readonly ArrayBufferWriter<byte> _destination = new(2048);
    private readonly IServerConnection _connection = new InProcessConnection();

    [Params(false, true)]
    public bool IsBlocking { get; set; }

    [GlobalSetup]
    public async Task SetUp() =>
        await _connection.SetAsync(_key, [], new ReadOnlySequence<byte>(new byte[1024]), TimeSpan.FromMinutes(1), CallMode.Asynchronous, default);

    [Benchmark(OperationsPerInvoke = 1000)]
    public async Task Get()
    {
        var mode = IsBlocking ? CallMode.Blocking : CallMode.Asynchronous;
        for (var i = 0; i < 1000; i++)
        {
            _destination.ResetWrittenCount();
            await _connection.GetAsync(_key, _destination, mode, default);
        }
    }
}
