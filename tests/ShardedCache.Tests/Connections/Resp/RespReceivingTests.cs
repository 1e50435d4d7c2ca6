using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

/// <summary>What a caller's buffer writer does on the thread that receives.</summary>
public sealed class RespReceivingTests : IAsyncLifetime
{
    // As many as make the pool receive: while one of them is held up, the others are fewer.
    private const int Callers = 8;

    private const string Value = "the value";

    private static readonly StoredKey Key = new([], "key");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly RespConnector _connector = new(TimeProvider.System);
    private readonly FakeRespServer _server;
    private Socket? _serversEnd;
    private RespConnection _connection = null!;

    public RespReceivingTests() => _server = new FakeRespServer(async (client, cancellation) =>
    {
        _serversEnd = client;
        var buffer = new byte[64 * 1024];
        while (true)
        {
            // One asterisk for each command.
            var count = buffer.AsSpan(0, await client.ReceiveAsync(buffer, cancellation)).Count((byte)'*');
            await FakeRespServer.SendAsync(client, string.Concat(Enumerable.Repeat($"${Value.Length}\r\n{Value}\r\n", count)));
        }
    });

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _connection = (RespConnection)await _server.OpenAsync(_connector, TimeSpan.FromSeconds(60), Cancellation);

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _connector.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_writer_that_calls_the_cache_and_waits_fails_at_once_and_alone(bool isBlocking)
    {
        var writer = new Writer(() => Get(new ArrayBufferWriter<byte>(), CallMode.Blocking).AsTask().GetAwaiter().GetResult());

        var call = Task.Run(() => Get(writer, isBlocking ? CallMode.Blocking : CallMode.Asynchronous).AsTask(), Cancellation);

        await Assert.ThrowsAsync<InvalidOperationException>(() => call.WaitAsync(Patience, Cancellation));
        var destination = new ArrayBufferWriter<byte>();
        Assert.Equal(Reply.Ok, await Get(destination, CallMode.Blocking));
        Assert.Equal(Value, Encoding.ASCII.GetString(destination.WrittenSpan));
    }

    [Fact]
    public async Task While_another_thread_takes_long_to_pass_a_value_on_the_receiving_thread_rests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What a thread has used is read from /proc.");
        var receiver = "";
        await Get(new Writer(() => receiver = File.ResolveLinkTarget("/proc/thread-self", returnFinalTarget: false)!.Name), CallMode.Asynchronous);
        using var isOver = new CancellationTokenSource(Patience);
        var measured = new TaskCompletionSource<double>();
        var writer = new Writer(() =>
        {
            // Only where a thread of the pool receives, and little is left to come: with more the other thread leaves it to the pool.
            if (Thread.CurrentThread.IsThreadPoolThread && _connection.Awaited < Callers && !isOver.IsCancellationRequested)
            {
                isOver.Cancel();
                _serversEnd!.Send(">2\r\n$10\r\ninvalidate\r\n_\r\n"u8);
                measured.TrySetResult(Load(receiver));
            }
        });

        await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            while (!isOver.IsCancellationRequested)
            {
                await Get(writer, CallMode.Asynchronous);
            }
        })));

        Assert.True(measured.Task.IsCompleted, "No thread of the pool has received.");
        Assert.InRange(await measured.Task, 0, 0.3);
    }

    /// <summary>The part of a second for which a thread had a processor.</summary>
    private static double Load(string thread)
    {
        using var never = new ManualResetEventSlim(initialState: false, spinCount: 0);
        var (used, started) = (UsedMilliseconds(thread), TimeProvider.System.GetTimestamp());
        never.Wait(TimeSpan.FromSeconds(1));
        return (UsedMilliseconds(thread) - used) / TimeProvider.System.GetElapsedTime(started).TotalMilliseconds;
    }

    /// <summary>See proc(5): user and system time, in hundredths of a second; its name may hold blanks.</summary>
    private static double UsedMilliseconds(string thread)
    {
        var stat = File.ReadAllText($"/proc/self/task/{thread}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return 10 * (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture));
    }

    private ValueTask<Reply> Get(IBufferWriter<byte> destination, CallMode mode) => _connection.GetAsync(Key, destination, mode, Cancellation);

    private sealed class Writer(Action onWrite) : IBufferWriter<byte>
    {
        [ThreadStatic]
        private static byte[]? _bytes;

        public void Advance(int count)
        {
        }

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            onWrite();
            return _bytes ??= new byte[64];
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
