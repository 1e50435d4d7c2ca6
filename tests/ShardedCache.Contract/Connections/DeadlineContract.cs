using System.Buffers;
using System.Diagnostics;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Testing;

namespace ShardedCache.Contract.Connections;

/// <summary>What a connection does when the server is slow, stopped, or no longer waited for.</summary>
public abstract class DeadlineContract(ServerFixture fixture) : ConnectionContract, IClassFixture<ServerFixture>
{
    private static readonly TimeSpan OperationTimeout = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Promise = TimeSpan.FromMilliseconds(50);

    private RedisProcess Server => fixture.Server;

    public override ValueTask DisposeAsync()
    {
        Server.Resume();
        return base.DisposeAsync();
    }

    [Theory]
    [InlineData(nameof(CallMode.Asynchronous))]
    [InlineData(nameof(CallMode.Blocking))]
    public async Task An_operation_without_a_reply_times_out_at_most_50_ms_late(string mode)
    {
        // The scheduler of a busy machine adds its own delay: of five tries, one must keep the promise, and none may be early.
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < 5 && best > OperationTimeout + Promise; i++)
        {
            await using var connection = await OpenAsync(Server, OperationTimeout);
            await SetAsync(connection, NewKey(), "warm", Enum.Parse<CallMode>(mode));
            Server.Pause();
            var waited = Stopwatch.StartNew();
            var reply = await connection.GetAsync(NewKey(), new ArrayBufferWriter<byte>(), Enum.Parse<CallMode>(mode), Cancellation);
            waited.Stop();
            Server.Resume();
            Assert.Equal(Reply.TimedOut, reply);
            Assert.True(waited.Elapsed >= OperationTimeout, $"Too early: {waited.Elapsed.TotalMilliseconds} ms");
            best = waited.Elapsed < best ? waited.Elapsed : best;
        }

        Assert.InRange(best, OperationTimeout, OperationTimeout + Promise);
    }

    [Fact]
    public async Task A_silent_server_ends_the_connection_and_everything_pending_at_once()
    {
        await using var connection = await OpenAsync(Server, OperationTimeout);
        Server.Pause();
        var waited = Stopwatch.StartNew();
        var pending = Enumerable.Range(0, 4000).Select(_ => SetAsync(connection, NewKey(), "1").AsTask()).ToList();
        var blocked = Enumerable.Range(0, 20).Select(_ => Task.Factory.StartNew(
            () => SetAsync(connection, NewKey(), "1", CallMode.Blocking).AsTask(), Cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap());
        pending.AddRange([.. blocked]);
        var control = connection.ExecuteAsync(new[] { "PING" }, Cancellation);

        Assert.All(await Task.WhenAll(pending), reply => Assert.True(reply.Kind is ReplyKind.TimedOut or ReplyKind.ConnectionLost, reply.ToString()));
        Assert.True((await control).Kind is ControlReplyKind.TimedOut or ControlReplyKind.ConnectionLost);
        var fault = await connection.Closed.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        Assert.Equal(ConnectionFaultKind.Silent, fault.Kind);
        Assert.InRange(waited.Elapsed, OperationTimeout, 4 * OperationTimeout);
        Assert.Equal(Reply.ConnectionLost, await SetAsync(connection, NewKey(), "1"));
    }

    [Fact]
    public async Task A_large_write_that_a_stopped_server_does_not_take_ends_in_time()
    {
        await using var connection = await OpenAsync(Server, OperationTimeout);
        Server.Pause();
        var waited = Stopwatch.StartNew();

        var reply = await connection.SetAsync(
            NewKey(), [], new ReadOnlySequence<byte>(new byte[64 << 20]), TimeSpan.FromMinutes(1), CallMode.Blocking, Cancellation);
        Assert.True(reply.Kind is ReplyKind.TimedOut or ReplyKind.ConnectionLost, reply.ToString());
        Assert.Equal(ConnectionFaultKind.Silent, (await connection.Closed.WaitAsync(TimeSpan.FromSeconds(20), Cancellation)).Kind);
        Assert.InRange(waited.Elapsed, OperationTimeout, 4 * OperationTimeout);
    }

    [Fact]
    public async Task A_caller_that_blocks_when_it_goes_on_holds_up_no_other()
    {
        await using var connection = await OpenAsync(Server, TimeSpan.FromSeconds(30));
        for (var round = 0; round < 5; round++)
        {
            // All of these are answered at once. One sends on, the next one waits for its reply, and then for all the others.
            using var others = new CountdownEvent(50);
            Task<Reply>? later = null;
            var batch = connection.CreateBatch();
            var sends = GoOnAsync(batch, () => (later = SetAsync(connection, NewKey(), "later").AsTask()) is not null);
            var waits = GoOnAsync(batch, () => later?.Wait(TimeSpan.FromSeconds(20), Cancellation) != false && others.Wait(TimeSpan.FromSeconds(20), Cancellation));
            var rest = Enumerable.Range(0, others.InitialCount).Select(_ => GoOnAsync(batch, others.Signal)).ToArray();
            batch.Send();

            Assert.True(await waits);
            Assert.True(await sends);
            await Task.WhenAll(rest);
        }

        static async Task<bool> GoOnAsync(IEntryBatch batch, Func<bool> goOn)
        {
            var reply = await SetAsync(batch, NewKey(), "1");
            return reply == Reply.Ok && goOn();
        }
    }

    [Fact]
    public async Task A_script_that_its_caller_has_given_up_is_not_sent_again_when_the_server_does_not_know_it()
    {
        await using var connection = await OpenAsync(Server);
        var key = NewKey();
        await Server.ExecuteAsync("SCRIPT", "FLUSH");
        Server.Pause();
        using var patience = new CancellationTokenSource();
        var append = new StoredScript("append", "return redis.call('APPEND', KEYS[1], ARGV[1])");
        var run = connection.RunAsync(append, key, [Encoding.UTF8.GetBytes("late")], CallMode.Asynchronous, patience.Token).AsTask();
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Server.Resume();

        // The first reply comes behind the refusal, and the second behind whatever was sent then.
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal("PONG", (await connection.ExecuteAsync(new[] { "PING" }, Cancellation)).Text);
        }

        Assert.Null(await ReadAsync(connection, key));
    }

    [Fact]
    public async Task An_idle_connection_to_a_stopped_server_lives_on()
    {
        await using var connection = await OpenAsync(Server, OperationTimeout);
        Server.Pause();
        await Task.Delay(3 * OperationTimeout, Cancellation);
        Server.Resume();

        Assert.False(connection.Closed.IsCompleted);
        Assert.Equal(Reply.Ok, await SetAsync(connection, NewKey(), "1"));
    }

    [Fact]
    public async Task A_slow_large_reply_that_makes_progress_keeps_the_connection_alive_and_reaches_no_other_destination()
    {
        await using var proxy = new FaultProxy(Server);
        await using var connection = await OpenAsync(proxy.Address, new ConnectionSettings { OperationTimeout = OperationTimeout });
        var (large, small) = (NewKey(), NewKey());
        await connection.SetAsync(large, [], new ReadOnlySequence<byte>(new byte[400_000]), TimeSpan.FromMinutes(1), CallMode.Asynchronous, Cancellation);
        await SetAsync(connection, small, "small");

        proxy.Rate = 200_000;
        var late = new ArrayBufferWriter<byte>();
        Assert.Equal(Reply.TimedOut, await connection.GetAsync(large, late, CallMode.Asynchronous, Cancellation));
        Assert.Equal(0, late.WrittenCount);

        string? value = null;
        await HoldsAsync(
            async () =>
            {
                Assert.False(connection.Closed.IsCompleted);
                var destination = new ArrayBufferWriter<byte>();
                var reply = await connection.GetAsync(small, destination, CallMode.Asynchronous, Cancellation);
                Assert.Equal(reply == Reply.Ok ? "small".Length : 0, destination.WrittenCount);
                value = Encoding.UTF8.GetString(destination.WrittenSpan);
                return reply == Reply.Ok;
            },
            "the small reply comes after the large one");
        Assert.Equal("small", value);
        Assert.Equal(0, late.WrittenCount);
    }

    [Theory]
    [InlineData(nameof(CallMode.Asynchronous))]
    [InlineData(nameof(CallMode.Blocking))]
    public async Task Cancellation_abandons_the_wait_at_once_and_its_destination_for_good(string mode)
    {
        await using var connection = await OpenAsync(Server, TimeSpan.FromSeconds(30));
        var key = NewKey();
        await SetAsync(connection, key, "value");
        Server.Pause();
        using var cancellation = new CancellationTokenSource();
        var destination = new ArrayBufferWriter<byte>();
        var get = Task.Run(() => connection.GetAsync(key, destination, Enum.Parse<CallMode>(mode), cancellation.Token).AsTask(), Cancellation);
        var set = Task.Run(() => SetAsync(connection, key, "newer", Enum.Parse<CallMode>(mode), cancellation.Token).AsTask(), Cancellation);
        await Task.Delay(100, Cancellation);
        Assert.False(get.IsCompleted || set.IsCompleted);

        await cancellation.CancelAsync();
        var thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => get.WaitAsync(TimeSpan.FromSeconds(5), Cancellation));
        Assert.Equal(cancellation.Token, thrown.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => set.WaitAsync(TimeSpan.FromSeconds(5), Cancellation));

        Server.Resume();
        Assert.Equal(Reply.Ok, await SetAsync(connection, NewKey(), "later"));
        Assert.Equal(0, destination.WrittenCount);
    }

    [Theory]
    [InlineData(nameof(CallMode.Asynchronous))]
    [InlineData(nameof(CallMode.Blocking))]
    public async Task A_command_that_is_cancelled_before_it_starts_is_never_sent(string mode)
    {
        await using var connection = await OpenAsync(Server);
        var key = NewKey();
        var cancelled = new CancellationToken(canceled: true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await SetAsync(connection, key, "1", Enum.Parse<CallMode>(mode), cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await connection.ExecuteAsync(new[] { "SET", Whole(key), "1" }, cancelled));
        Assert.Null(await ReadAsync(connection, key));
    }

    [Fact]
    public async Task Buffers_of_a_caller_who_recycles_them_at_once_are_never_mixed_up()
    {
        await using var connection = await OpenAsync(Server);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            var buffer = new byte[4096];
            var destination = new ArrayBufferWriter<byte>(4096);
            for (var i = 0; i < 300; i++)
            {
                Array.Fill(buffer, (byte)i);
                var key = NewKey();
                using var cancellation = new CancellationTokenSource();
                var abandoned = connection.SetAsync(NewKey(), [], new ReadOnlySequence<byte>(buffer), TimeSpan.FromMinutes(1), CallMode.Asynchronous, cancellation.Token);
                await cancellation.CancelAsync();
                try
                {
                    await abandoned;
                }
                catch (OperationCanceledException)
                {
                }

                Array.Fill(buffer, (byte)(i + 1));
                await connection.SetAsync(key, [], new ReadOnlySequence<byte>(buffer), TimeSpan.FromMinutes(1), CallMode.Asynchronous, Cancellation);
                Array.Fill(buffer, (byte)0xEE);
                destination.ResetWrittenCount();
                Assert.Equal(Reply.Ok, await connection.GetAsync(key, destination, CallMode.Asynchronous, Cancellation));
                Assert.Equal(-1, destination.WrittenSpan.IndexOfAnyExcept((byte)(i + 1)));
            }
        }));
    }
}
