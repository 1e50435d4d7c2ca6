using System.Net.Sockets;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Connections.Resp;

/// <summary>Values that are too large to come at once, for callers who want an array.</summary>
[Collection("large values")]
public sealed class RespLargeTextTests : IAsyncDisposable
{
    private const int Large = 300_000;

    private static readonly StoredKey Key = new([], "key");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly Stamp Stamp = new(0x0102030405060708);

    private readonly RespConnector _connector = new(TimeProvider.System);
    private readonly StampClock _clock = new(TimeProvider.System);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _connector.DisposeAsync();

    [Theory]
    [InlineData(65_500, 1)]
    [InlineData(65_520, 2)]
    [InlineData(Large, 3)]
    [InlineData((1 << 20) - 20, 4)]
    [InlineData((1 << 20) + 1, 5)]
    [InlineData(9_000_000, 6)]
    public async Task They_come_whole_in_whatever_pieces_and_so_does_what_follows(int size, int seed)
    {
        var random = new Random(seed);
        var payloads = new[] { Bytes(random, size), Bytes(random, 10), Bytes(random, size + 1), Bytes(random, size) };
        var stream = Frames.Concat([.. payloads.Select(static payload => Text(Stored(EntryHeader.Value(Stamp, default), payload)))]);
        await using var server = Serving(payloads.Length, async client =>
        {
            for (var sent = 0; sent < stream.Length;)
            {
                var length = Math.Min(random.Next(3) switch { 0 => random.Next(1, 40), 1 => random.Next(1, 100_000), _ => 1 << 20 }, stream.Length - sent);
                await client.SendAsync(stream.AsMemory(sent, length));
                sent += length;
            }
        });
        await using var connection = await OpenAsync(server);

        var read = await Task.WhenAll(payloads.Select(_ => ReadAsync(connection)));

        for (var i = 0; i < payloads.Length; i++)
        {
            Assert.Equal(EntryOutcome.Value, read[i].Outcome);
            Assert.Equal(Stamp, read[i].Header.Stamp);
            Assert.True(payloads[i].AsSpan().SequenceEqual(read[i].ToArray()), $"The payload no. {i} is another one.");
        }
    }

    /// <summary>Where little but the end is missing, nothing is left for the array; and the end itself may come in two parts.</summary>
    [Fact]
    public async Task They_come_whole_wherever_they_are_cut_near_their_ends()
    {
        for (var length = 65_500; length < 65_540; length++)
        {
            var payload = Bytes(new Random(length), length);
            var stream = Text(Stored(EntryHeader.Value(Stamp, default), payload));
            for (var missing = 1; missing < 4; missing++)
            {
                var cut = stream.Length - missing;
                await using var server = Serving(1, async client =>
                {
                    await client.SendAsync(stream.AsMemory(0, cut), Cancellation);
                    await Task.Delay(2, Cancellation);
                    await client.SendAsync(stream.AsMemory(cut), Cancellation);
                });
                await using var connection = await OpenAsync(server);

                Assert.Equal(payload, (await ReadAsync(connection, Cancellation)).ToArray());
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(70_000)]
    [InlineData(Large)]
    [InlineData(Large + 19)]
    public async Task One_that_does_not_come_to_its_end_is_lost_and_the_read_can_begin_anew(int comes)
    {
        var stream = Text(Stored(EntryHeader.Value(Stamp, default), new byte[Large]));
        await using var server = Serving(1, async client =>
        {
            await client.SendAsync(stream.AsMemory(0, comes));
            client.Shutdown(SocketShutdown.Send);
        });
        await using var connection = await OpenAsync(server);
        var reader = new EntryReader();
        reader.Begin(_clock);

        var reply = await connection.GetAsync(Key, reader, CallMode.Asynchronous, Cancellation);

        Assert.Equal(ReplyKind.ConnectionLost, reply.Kind);
        Assert.Equal(EntryOutcome.None, reader.Outcome);
        Assert.True(reader.TryRestart());
    }

    [Fact]
    public async Task Who_no_longer_waits_for_one_leaves_the_next_reply_to_the_next()
    {
        var (first, second) = (Bytes(new Random(1), Large), Bytes(new Random(2), Large));
        using var hasBegun = new SemaphoreSlim(0);
        using var goesOn = new SemaphoreSlim(0);
        await using var server = Serving(2, async client =>
        {
            var stream = Frames.Concat(Text(Stored(EntryHeader.Value(Stamp, default), first)), Text(Stored(EntryHeader.Value(Stamp, default), second)));
            await client.SendAsync(stream.AsMemory(0, 100_000), Cancellation);
            hasBegun.Release();
            await goesOn.WaitAsync(Cancellation);
            await client.SendAsync(stream.AsMemory(100_000), Cancellation);
        });
        await using var connection = await OpenAsync(server);
        using var cancelling = new CancellationTokenSource();
        var abandoned = ReadAsync(connection, cancelling.Token);
        var awaited = ReadAsync(connection, Cancellation);
        Assert.True(await hasBegun.WaitAsync(Patience, Cancellation));

        await cancelling.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandoned.WaitAsync(Patience, Cancellation));
        goesOn.Release();
        Assert.Equal(second, (await awaited.WaitAsync(Patience, Cancellation)).ToArray());
    }

    [Fact]
    public async Task Of_what_is_no_live_entry_nothing_is_passed_on()
    {
        var expired = EntryHeader.Value(Stamp, new EntryExpiration(DateTimeOffset.UtcNow.AddSeconds(-1).ToUnixTimeMilliseconds(), 0, default));
        await using var server = Serving(3, async client => await client.SendAsync(Frames.Concat(
            Text(Stored(EntryHeader.Tombstone(Stamp), new byte[Large])), Text(Stored(expired, new byte[Large])), Text(Encoding.ASCII.GetBytes(new string('x', Large))))));
        await using var connection = await OpenAsync(server);

        var read = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => ReadAsync(connection)));

        Assert.Equal([EntryOutcome.Tombstone, EntryOutcome.Expired, EntryOutcome.Foreign], read.Select(static reader => reader.Outcome));
        Assert.All(read, static reader => Assert.Empty(reader.ToArray()));
    }

    [Theory]
    [InlineData("xx")]
    [InlineData("\rx")]
    public async Task One_that_does_not_end_where_it_said_ends_its_connection(string end)
    {
        var stream = Text(Stored(EntryHeader.Value(Stamp, default), new byte[Large]));
        await using var server = Serving(1, async client => await client.SendAsync(Frames.Concat(stream[..^2], Encoding.ASCII.GetBytes(end))));
        await using var connection = await OpenAsync(server);
        var reader = new EntryReader();
        reader.Begin(_clock);

        var reply = await connection.GetAsync(Key, reader, CallMode.Asynchronous, Cancellation);

        Assert.Equal(ReplyKind.ConnectionLost, reply.Kind);
        Assert.Equal(ConnectionFaultKind.Protocol, (await connection.Closed.WaitAsync(Patience, Cancellation)).Kind);
    }

    [Fact]
    public async Task A_length_that_is_only_announced_takes_no_memory()
    {
        await using var server = Serving(1, async client =>
        {
            await client.SendAsync(Frames.Concat("$500000000\r\n"u8.ToArray(), Stored(EntryHeader.Value(Stamp, default), new byte[200_000])));
            client.Shutdown(SocketShutdown.Send);
        });
        await using var connection = await OpenAsync(server);
        var reader = new EntryReader();
        reader.Begin(_clock);
        var before = GC.GetTotalAllocatedBytes();

        await connection.GetAsync(Key, reader, CallMode.Asynchronous, Cancellation);

        // Other tests allocate, too.
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 300_000_000);
    }

    private static byte[] Bytes(Random random, int size)
    {
        var bytes = new byte[size];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Stored(EntryHeader header, byte[] payload)
    {
        var bytes = new byte[EntryHeader.MaxLength];
        return Frames.Concat(bytes[..header.Write(bytes)], payload);
    }

    private static byte[] Text(byte[] body) => Frames.Concat(Encoding.ASCII.GetBytes($"${body.Length}\r\n"), body, "\r\n"u8.ToArray());

    private static FakeRespServer Serving(int calls, Func<Socket, Task> serve) => new(async (client, cancellation) =>
    {
        await FakeRespServer.ReadUntilAsync(client, string.Concat(Enumerable.Repeat("*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", calls)), cancellation);
        await serve(client);
    });

    private async Task<EntryReader> ReadAsync(IServerConnection connection, CancellationToken cancellationToken = default)
    {
        var reader = new EntryReader();
        reader.Begin(_clock);
        var reply = await connection.GetAsync(Key, reader, CallMode.Asynchronous, cancellationToken);
        Assert.Equal(ReplyKind.Ok, reply.Kind);
        return reader;
    }

    private Task<IServerConnection> OpenAsync(FakeRespServer server) => server.OpenAsync(_connector, TimeSpan.FromSeconds(30), Cancellation);
}
