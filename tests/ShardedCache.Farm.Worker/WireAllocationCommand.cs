using System.Buffers;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Farm.Worker;

/// <summary>
/// "allocate-resp host port": what our own wire allocates over many operations against a real server. Prints, for each kind of operation and
/// number of callers, how many were right and the bytes allocated by all of them and their loops.
/// </summary>
internal static class WireAllocationCommand
{
    private const int Million = 1_000_000;

    private static readonly StoredKey[] Keys = [.. Enumerable.Range(0, 100).Select(i => new StoredKey("prefix:"u8.ToArray(), $"key-{i}"))];
    private static readonly StoredScript Touch = new("touch", "return redis.call('PEXPIRE', KEYS[1], ARGV[1])");
    private static readonly ReadOnlyMemory<byte>[] TouchArguments = ["600000"u8.ToArray()];
    private static readonly ReadOnlySequence<byte> Payload = new(new byte[128]);
    private static readonly TimeSpan TimeToLive = TimeSpan.FromMinutes(10);

    public static async Task RunAsync(string host, int port)
    {
        await using var connector = new RespConnector(TimeProvider.System);
        var settings = new ConnectionSettings { OperationTimeout = TimeSpan.FromSeconds(30), ConnectTimeout = TimeSpan.FromSeconds(30) };
        var opened = await connector.OpenAsync(new ServerAddress(host, port), settings, default);
        await using var connection = opened.Connection ?? throw new InvalidOperationException(opened.Fault?.ToString());
        await MeasureAsync(connection, "set", 64, Million);
        await MeasureAsync(connection, "get", 1, Million / 20);
        await MeasureAsync(connection, "get", 64, Million);
        await MeasureAsync(connection, "get", 1024, Million);
        await MeasureAsync(connection, "blocking-get", 1, Million / 20);
        await MeasureAsync(connection, "touch", 64, Million);
        await MeasureAsync(connection, "remove", 64, Million);
    }

    private static async Task MeasureAsync(IServerConnection connection, string operation, int callers, int operations)
    {
        await CallAsync(connection, operation, callers, operations / 5);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var right = await CallAsync(connection, operation, callers, operations);
        Console.WriteLine($"{operation} {callers} {right} {GC.GetTotalAllocatedBytes(precise: true) - before}");
    }

    private static async Task<int> CallAsync(IServerConnection connection, string operation, int callers, int operations)
    {
        var rights = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(() => LoopAsync(connection, operation, caller, operations / callers))));
        return rights.Sum();
    }

    private static async Task<int> LoopAsync(IServerConnection connection, string operation, int caller, int count)
    {
        var destination = new ArrayBufferWriter<byte>(256);
        var right = 0;
        for (var i = 0; i < count; i++)
        {
            destination.ResetWrittenCount();
            var key = Keys[(caller + i) % Keys.Length];
            var reply = operation switch
            {
                "get" => await connection.GetAsync(key, destination, CallMode.Asynchronous, default),
                "blocking-get" => await connection.GetAsync(key, destination, CallMode.Blocking, default),
                "set" => await connection.SetAsync(key, "header"u8, Payload, TimeToLive, CallMode.Asynchronous, default),
                "touch" => await connection.RunAsync(Touch, key, TouchArguments, CallMode.Asynchronous, default),
                _ => await connection.SetAsync(key, "tombstone"u8, default, TimeToLive, CallMode.Asynchronous, default),
            };
            right += reply.Kind == ReplyKind.Ok ? 1 : 0;
        }

        return right;
    }
}
