using System.Buffers;
using System.Diagnostics;
using ShardedCache.Connections;

namespace ShardedCache.Farm.Worker;

/// <summary>
/// "allocate": hits through the seam into a buffer writer, in a process where nothing else allocates. Prints the bytes allocated per
/// million hits, and nanoseconds per hit, for each call mode.
/// </summary>
internal static class AllocationCommand
{
    private const int Hits = 1_000_000;

    private static readonly StoredKey Key = new("prefix:"u8.ToArray(), "key");

    public static async Task RunAsync()
    {
        IServerConnection connection = new InProcessConnection();
        await connection.SetAsync(Key, [], new ReadOnlySequence<byte>(new byte[1024]), TimeSpan.FromMinutes(1), CallMode.Asynchronous, default);
        foreach (var mode in Enum.GetValues<CallMode>())
        {
            await ReadAsync(connection, mode, Hits / 10);
            var before = GC.GetTotalAllocatedBytes(precise: true);
            var started = Stopwatch.GetTimestamp();
            var right = await ReadAsync(connection, mode, Hits);
            var elapsed = Stopwatch.GetElapsedTime(started);
            var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
            Console.WriteLine($"{mode} {right} {allocated} {elapsed.TotalNanoseconds / Hits:0}");
        }
    }

    private static async Task<int> ReadAsync(IServerConnection connection, CallMode mode, int hits)
    {
        var destination = new ArrayBufferWriter<byte>(2048);
        var right = 0;
        for (var i = 0; i < hits; i++)
        {
            destination.ResetWrittenCount();
            var reply = await connection.GetAsync(Key, destination, mode, default);
            right += reply == Reply.Ok && destination.WrittenCount == 1024 ? 1 : 0;
        }

        return right;
    }
}
