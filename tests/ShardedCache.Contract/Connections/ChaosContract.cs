using System.Buffers;
using System.Diagnostics;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Testing;

namespace ShardedCache.Contract.Connections;

/// <summary>Everything at once: time-outs, cancellations, slow replies, pauses and connections that end, over recycled operations.</summary>
public abstract class ChaosContract(ServerFixture fixture) : ConnectionContract, IClassFixture<ServerFixture>
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(8);

    private RedisProcess Server => fixture.Server;

    [Fact]
    public async Task A_reply_never_reaches_another_operation_and_no_operation_is_forgotten()
    {
        await using var proxy = new FaultProxy(Server);
        var settings = new ConnectionSettings { OperationTimeout = TimeSpan.FromMilliseconds(150), ConnectTimeout = TimeSpan.FromSeconds(5) };
        var connection = await OpenAsync(proxy.Address, settings);
        var running = Stopwatch.StartNew();
        var outcomes = new int[5];
        var cancelled = 0;
        var connections = 1;

        var callers = Enumerable.Range(0, 16).Select(caller => Task.Factory.StartNew(
            () => CallAsync(caller), Cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()).ToArray();
        await DisturbAsync();
        await Task.WhenAll(callers).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        await connection.DisposeAsync();

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"ok {outcomes[(int)ReplyKind.Ok]}, timed out {outcomes[(int)ReplyKind.TimedOut]}, lost {outcomes[(int)ReplyKind.ConnectionLost]}, cancelled {cancelled}, connections {connections}");
        Assert.True(outcomes[(int)ReplyKind.Ok] > 100);
        Assert.True(outcomes[(int)ReplyKind.TimedOut] > 0 && outcomes[(int)ReplyKind.ConnectionLost] > 0 && cancelled > 0 && connections > 1);
        Assert.Equal(0, outcomes[(int)ReplyKind.ServerError]);

        async Task CallAsync(int caller)
        {
            var random = new Random(caller);
            while (running.Elapsed < Duration)
            {
                var key = new StoredKey("chaos:"u8.ToArray(), $"{random.Next(200)}");
                var mode = random.Next(4) == 0 ? CallMode.Blocking : CallMode.Asynchronous;
                using var cancellation = new CancellationTokenSource();
                if (random.Next(20) == 0)
                {
                    cancellation.CancelAfter(random.Next(5));
                }

                // Each call has a destination of its own, so that a late write to it would be seen.
                var destination = new ArrayBufferWriter<byte>();
                try
                {
                    var reply = random.Next(2) == 0
                        ? await Volatile.Read(ref connection).GetAsync(key, destination, mode, cancellation.Token)
                        : await Volatile.Read(ref connection).SetAsync(key, [], ValueOf(key), TimeSpan.FromMinutes(1), mode, cancellation.Token);
                    Interlocked.Increment(ref outcomes[(int)reply.Kind]);
                    var written = destination.WrittenCount;
                    Assert.True(written == 0 || (reply == Reply.Ok && destination.WrittenSpan.SequenceEqual(ValueOf(key).FirstSpan)));
                    if (reply.Kind != ReplyKind.Ok)
                    {
                        await Task.Delay(1, Cancellation);
                        Assert.Equal(written, destination.WrittenCount);
                    }
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref cancelled);
                    Assert.Equal(0, destination.WrittenCount);
                }
            }
        }

        async Task DisturbAsync()
        {
            var random = new Random(1);
            while (running.Elapsed < Duration)
            {
                await Task.Delay(random.Next(200), Cancellation);
                switch (random.Next(4))
                {
                    case 0:
                        proxy.Rate = 500_000;
                        await Task.Delay(random.Next(300), Cancellation);
                        proxy.Rate = 0;
                        break;
                    case 1:
                        Server.Pause();
                        await Task.Delay(random.Next(250), Cancellation);
                        Server.Resume();
                        break;
                    case 2:
                        connection.Close(Done);
                        break;
                    default:
                        await Server.ExecuteAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
                        break;
                }

                while (connection.Closed.IsCompleted)
                {
                    await connection.DisposeAsync();
                    var opened = await Connector.OpenAsync(proxy.Address, settings, Cancellation);
                    if (opened.IsOpen)
                    {
                        connections++;
                        Volatile.Write(ref connection, opened.Connection);
                    }
                }
            }
        }
    }

    private static ReadOnlySequence<byte> ValueOf(StoredKey key) => new(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(key.Name + ",", 100))));
}
