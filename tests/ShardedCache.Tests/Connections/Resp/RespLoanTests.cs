using System.Buffers;
using System.Net.Sockets;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

/// <summary>Payloads that are sent from their callers' memory.</summary>
[Collection("large values")]
public sealed class RespLoanTests : IAsyncDisposable
{
    // More than the network takes while nobody reads.
    private const int Size = 16 * 1024 * 1024;

    private static readonly StoredKey Key = new([], "key");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly RespConnector _connector = new(TimeProvider.System);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _connector.DisposeAsync();

    [Theory]
    [InlineData(RespLoan.Least - 1)]
    [InlineData(RespLoan.Least)]
    [InlineData(Size)]
    public async Task They_arrive_whole_between_other_commands(int size)
    {
        var payload = Payload(size);
        var expected = Frames.Concat(Set(payload), Set([]), Set(payload), Set(payload));
        var received = new byte[expected.Length];
        await using var server = new FakeRespServer(async (client, cancellation) =>
        {
            await ReadAsync(client, received, cancellation);
            await FakeRespServer.SendAsync(client, "+OK\r\n+OK\r\n+OK\r\n+OK\r\n");
        });
        await using var connection = await OpenAsync(server);

        var replies = await Task.WhenAll(
            new[] { payload, [], payload, payload }.Select(bytes => SetAsync(connection, bytes, CallMode.Asynchronous, Cancellation)));

        Assert.All(replies, static reply => Assert.Equal(ReplyKind.Ok, reply.Kind));
        Assert.True(expected.AsSpan().SequenceEqual(received), "Something else has arrived.");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_no_longer_waits_may_write_something_else_there_before_it_is_sent(bool isBlocking)
    {
        var mode = isBlocking ? CallMode.Blocking : CallMode.Asynchronous;
        var payload = Payload(Size);
        var expected = Frames.Concat(Set(payload), Set(payload));
        var received = new byte[expected.Length];
        using var reads = new SemaphoreSlim(0);
        var isRead = new TaskCompletionSource();
        await using var server = new FakeRespServer(async (client, cancellation) =>
        {
            await reads.WaitAsync(cancellation);
            await ReadAsync(client, received, cancellation);
            isRead.SetResult();
        });
        await using var connection = await OpenAsync(server);
        using var cancelling = new CancellationTokenSource();
        byte[][] memory = [[.. payload], [.. payload]];
        var calls = memory.Select(bytes => Task.Run(() => SetAsync(connection, bytes, mode, cancelling.Token), Cancellation)).ToArray();
        await SentAsync(connection, calls.Length);

        await cancelling.CancelAsync();

        foreach (var (call, bytes) in calls.Zip(memory))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(Patience, Cancellation));
            Array.Clear(bytes);
        }

        reads.Release();
        await isRead.Task.WaitAsync(Patience, Cancellation);
        Assert.True(expected.AsSpan().SequenceEqual(received), "Something else has arrived.");
    }

    [Fact]
    public async Task A_server_that_answers_before_it_has_read_everything_still_gets_it()
    {
        var payload = Payload(Size);
        var expected = Frames.Concat(Set(payload), Set([]));
        var received = new byte[expected.Length];
        using var reads = new SemaphoreSlim(0);
        await using var server = new FakeRespServer(async (client, cancellation) =>
        {
            await ReadAsync(client, received.AsMemory(0, 100), cancellation);
            await FakeRespServer.SendAsync(client, "-ERR too large\r\n");
            await reads.WaitAsync(cancellation);
            await ReadAsync(client, received.AsMemory(100), cancellation);
            await FakeRespServer.SendAsync(client, "+OK\r\n");
        });
        await using var connection = await OpenAsync(server);
        var memory = payload.ToArray();

        var reply = await SetAsync(connection, memory, CallMode.Asynchronous, Cancellation).WaitAsync(Patience, Cancellation);

        Array.Clear(memory);
        var next = SetAsync(connection, [], CallMode.Asynchronous, Cancellation);
        reads.Release();
        Assert.Equal(ReplyKind.ServerError, reply.Kind);
        Assert.Equal(ReplyKind.Ok, (await next.WaitAsync(Patience, Cancellation)).Kind);
        Assert.True(expected.AsSpan().SequenceEqual(received), "Something else has arrived.");
    }

    /// <summary>In any order of writing, lending, sending and forgetting, the bytes are those that were written, and nobody else has their memory.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_is_lent_stands_in_its_place(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            // Several at once, as they would get each other's memory back from the pool.
            var models = Enumerable.Range(0, 3).Select(_ => new Model(random)).ToList();
            for (var step = 0; step < 60; step++)
            {
                models[random.Next(models.Count)].Step();
            }

            models.ForEach(static model => model.Drain());
        }
    }

    private static byte[] Payload(int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Set(byte[] payload) =>
        Frames.Concat(Encoding.ASCII.GetBytes($"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n${payload.Length + 1}\r\nH"), payload, "\r\n"u8.ToArray());

    private static async Task ReadAsync(Socket client, Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (destination.Length > 0)
        {
            var count = await client.ReceiveAsync(destination, cancellationToken);
            Assert.NotEqual(0, count);
            destination = destination[count..];
        }
    }

    /// <summary>Waits until that many commands are pending.</summary>
    private static async Task SentAsync(IServerConnection connection, int count)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(Patience);
        while (((RespConnection)connection).Awaited < count)
        {
            await Task.Delay(1, limit.Token);
        }
    }

    private static Task<Reply> SetAsync(IServerConnection connection, byte[] payload, CallMode mode, CancellationToken cancellationToken) =>
        connection.SetAsync(Key, "H"u8, new ReadOnlySequence<byte>(payload), Timeout.InfiniteTimeSpan, mode, cancellationToken).AsTask();

    private Task<IServerConnection> OpenAsync(FakeRespServer server) => server.OpenAsync(_connector, TimeSpan.FromSeconds(60), Cancellation);

    /// <summary>A buffer, and what it must hold.</summary>
    private sealed class Model(Random random)
    {
        private readonly RespBuffer _buffer = new();
        private readonly List<(byte[] Bytes, RespLoan? Loan)> _expected = [];

        public void Step()
        {
            switch (random.Next(5))
            {
                case 0:
                    Consume();
                    break;
                case 1:
                    var end = _buffer.End;
                    var count = _expected.Count;
                    Command();
                    _buffer.Truncate(end);
                    _expected.RemoveRange(count, _expected.Count - count);
                    break;
                default:
                    Command();
                    break;
            }

            Assert.Equal(_expected.Sum(static part => (long)part.Bytes.Length), _buffer.Length);
        }

        public void Drain()
        {
            while (_buffer.Length > 0)
            {
                Consume();
            }

            Assert.Empty(_expected);
        }

        // A command begins with bytes of its own; whether others follow what is lent, the buffer does not know.
        private void Command()
        {
            Bytes(random.Next(1, 50));
            if (random.Next(2) == 0)
            {
                var loan = new RespLoan();
                var lent = new byte[random.Next(1, 1000)];
                loan.Begin(lent);
                _buffer.Write(loan, lent.Length);
                _expected.Add((lent, loan));
            }

            if (random.Next(8) > 0)
            {
                Bytes(random.Next(10) == 0 ? random.Next(100_000) : random.Next(1, 20_000));
            }
        }

        private void Bytes(int length)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            if (random.Next(2) == 0)
            {
                _buffer.Write(bytes);
            }
            else
            {
                bytes.CopyTo(_buffer.Reserve(length));
                _buffer.Advance(length);
            }

            _expected.Add((bytes, null));
        }

        private void Consume()
        {
            if (_expected.Count == 0)
            {
                return;
            }

            var (bytes, loan) = _expected[0];
            var own = Math.Min(bytes.Length, _buffer.First.Count);
            if (loan is null)
            {
                own = Math.Min(own, random.Next(1, 30_000));
                Assert.True(_buffer.First.AsSpan(0, own).SequenceEqual(bytes.AsSpan(0, own)));
            }
            else
            {
                Assert.Equal(0, _buffer.First.Count);
                Assert.Same(loan, _buffer.Loan);
                own = random.Next(1, bytes.Length + 1);
            }

            _buffer.Consume(own);
            _expected[0] = (bytes[own..], loan);
            if (own == bytes.Length)
            {
                _expected.RemoveAt(0);
            }
        }
    }
}
