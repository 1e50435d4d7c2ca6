using System.Buffers;
using System.Diagnostics;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;
using ShardedCache.Connections.StackExchangeRedis;

namespace ShardedCache.Farm.Worker;

/// <summary>
/// What a connection does in a process whose thread pool is used up ("starve"), and in one that is itself stopped ("loop"), and
/// how many threads the client has for itself ("threads"). They talk to the test by lines.
/// </summary>
internal static class ConnectionCommands
{
    private static readonly StoredKey Key = new("worker:"u8.ToArray(), "key");

    public static async Task RunAsync(string[] arguments)
    {
        if (arguments is [_, _, _, _, var dedicatedThreads])
        {
            AppContext.SetSwitch(DedicatedThreads.SwitchName, bool.Parse(dedicatedThreads));
        }

        await using IServerConnector connector = arguments[1] switch
        {
            "StackExchange.Redis" => new StackExchangeConnector(TimeProvider.System),
            "Resp" => new RespConnector(TimeProvider.System),
            var other => throw new ArgumentException(other),
        };
        var settings = new ConnectionSettings { OperationTimeout = TimeSpan.FromSeconds(1), ConnectTimeout = TimeSpan.FromSeconds(20) };
        var opened = await connector.OpenAsync(new ServerAddress(arguments[2], int.Parse(arguments[3])), settings, default);
        await using var connection = opened.Connection ?? throw new InvalidOperationException(opened.Fault?.ToString());
        await connection.SetAsync(Key, [], new ReadOnlySequence<byte>(new byte[100]), TimeSpan.FromMinutes(5), CallMode.Asynchronous, default);
        switch (arguments[0])
        {
            case "starve":
                Starve(connection);
                break;
            case "threads":
                Console.WriteLine(Directory.GetDirectories("/proc/self/task").Count(
                    static thread => File.ReadAllText(Path.Combine(thread, "comm")).StartsWith("SE.Redis Sync", StringComparison.Ordinal)));
                break;
            default:
                Loop(connection);
                break;
        }
    }

    private static void Starve(IServerConnection connection)
    {
        var release = new ManualResetEventSlim();
        var probe = new ManualResetEventSlim();
        var threads = Environment.ProcessorCount;
        ThreadPool.SetMinThreads(threads, threads);
        ThreadPool.SetMaxThreads(threads, threads);
        for (var i = 0; i < 2 * threads; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(_ => release.Wait(), null);
        }

        ThreadPool.UnsafeQueueUserWorkItem(_ => probe.Set(), null);
        Console.WriteLine(probe.Wait(500) ? "the pool is not used up" : "starved");
        Console.WriteLine(Block(connection, 1000));
        Console.ReadLine();
        Console.WriteLine(Block(connection, 100));
        release.Set();
    }

    private static string Block(IServerConnection connection, int callers)
    {
        var outcomes = new ReplyKind[callers];
        var threads = new Thread[callers];
        var waited = Stopwatch.StartNew();
        for (var i = 0; i < callers; i++)
        {
            var caller = i;
            threads[i] = new Thread(() => outcomes[caller] = Call(connection), maxStackSize: 128 * 1024);
            threads[i].Start();
        }

        foreach (var thread in threads)
        {
            thread.Join();
        }

        return string.Join(' ', outcomes.CountBy(outcome => outcome).Select(pair => $"{pair.Key}={pair.Value}")) + $" in {waited.ElapsedMilliseconds} ms";
    }

    private static ReplyKind Call(IServerConnection connection)
    {
        var set = connection.SetAsync(Key, [], new ReadOnlySequence<byte>(new byte[100]), TimeSpan.FromMinutes(5), CallMode.Blocking, default).Result;
        var get = connection.GetAsync(Key, new ArrayBufferWriter<byte>(), CallMode.Blocking, default).Result;
        return set == Reply.Ok ? get.Kind : set.Kind;
    }

    private static void Loop(IServerConnection connection)
    {
        var ok = 0;
        for (var i = 0; i < 4; i++)
        {
            _ = Task.Run(async () =>
            {
                var destination = new ArrayBufferWriter<byte>();
                while ((await connection.GetAsync(Key, destination, CallMode.Asynchronous, default)).Kind is var kind && kind != ReplyKind.ConnectionLost)
                {
                    destination.ResetWrittenCount();
                    ok += kind == ReplyKind.Ok ? 1 : 0;
                }
            });
        }

        Console.WriteLine(connection.ClientId);
        while (Console.ReadLine() is { } line && line.Length > 0)
        {
            Console.WriteLine($"{(connection.Closed.IsCompleted ? "closed" : "open")} {ok}");
        }
    }
}
