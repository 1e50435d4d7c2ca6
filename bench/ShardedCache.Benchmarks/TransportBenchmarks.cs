using System.Buffers;
using BenchmarkDotNet.Attributes;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;
using ShardedCache.Connections.StackExchangeRedis;
using ShardedCache.Testing;
using StackExchange.Redis;

namespace ShardedCache.Benchmarks;

/// <summary>A hit of 128 bytes from a real server on the same machine: both transports through the seam, and the bare client.</summary>
[SimpleJob(warmupCount: 3, iterationCount: 10)]
[MemoryDiagnoser]
public class TransportBenchmarks
{
    private const int Hits = 20_000;
    private const int Size = 128;

    private readonly StoredKey _key = new("prefix:"u8.ToArray(), "key");
    private RedisFarm? _farm;
    private IServerConnector? _connector;
    private IServerConnection? _connection;
    private ConnectionMultiplexer? _client;

    [Params("Resp", "StackExchangeRedis", "bare StackExchange.Redis")]
    public string Transport { get; set; } = "";

    [Params(1, 64, 256)]
    public int InFlight { get; set; }

    [GlobalSetup]
    public async Task SetUp()
    {
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 });
        var server = _farm.Shards[0].InitialMaster;
        _connector = Transport == "Resp" ? new RespConnector(TimeProvider.System) : new StackExchangeConnector(TimeProvider.System);
        var opened = await _connector.OpenAsync(new ServerAddress(server.Host, server.Port), new ConnectionSettings { ConnectTimeout = TimeSpan.FromSeconds(20) }, default);
        _connection = opened.Connection ?? throw new InvalidOperationException(opened.Fault?.Message);
        _client = await ConnectionMultiplexer.ConnectAsync($"{server.EndPoint}");
        await _connection.SetAsync(_key, [], new ReadOnlySequence<byte>(new byte[Size]), TimeSpan.FromHours(1), CallMode.Asynchronous, default);
    }

    [GlobalCleanup]
    public async Task CleanUp()
    {
        await _client!.DisposeAsync();
        await _connection!.DisposeAsync();
        await _connector!.DisposeAsync();
        await _farm!.DisposeAsync();
    }

    [Benchmark(OperationsPerInvoke = Hits)]
    public Task Get() => Task.WhenAll(Enumerable.Range(0, InFlight).Select(_ => Task.Run(Transport.StartsWith("bare", StringComparison.Ordinal) ? BareAsync : SeamAsync)));

    private async Task SeamAsync()
    {
        var destination = new ArrayBufferWriter<byte>(Size);
        for (var i = 0; i < Hits / InFlight; i++)
        {
            destination.ResetWrittenCount();
            await _connection!.GetAsync(_key, destination, CallMode.Asynchronous, default);
        }
    }

    private async Task BareAsync()
    {
        var database = _client!.GetDatabase();
        for (var i = 0; i < Hits / InFlight; i++)
        {
            using var value = await database.StringGetLeaseAsync("prefix:key");
        }
    }
}
