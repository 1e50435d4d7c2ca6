using System.Buffers;
using System.Net.Sockets;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

/// <summary>Servers that send what they like: it costs their connection at most, and bounded memory.</summary>
public sealed class RespFuzzTests : IAsyncLifetime
{
    private const int Calls = 8;
    private const string Value = "the value";

    private static readonly StoredKey Key = new([], "key");

    private readonly RespConnector _connector = new(TimeProvider.System);
    private readonly FakeRespServer _healthy = new(static async (client, cancellation) =>
    {
        while (true)
        {
            await FakeRespServer.ReadUntilAsync(client, "key\r\n", cancellation);
            await FakeRespServer.SendAsync(client, Reply(Value));
        }
    });

    private IServerConnection? _other;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _other = await OpenAsync(_healthy, TimeSpan.FromSeconds(20));

    public async ValueTask DisposeAsync()
    {
        await _other!.DisposeAsync();
        await _connector.DisposeAsync();
        await _healthy.DisposeAsync();
    }

    public static TheoryData<int> Bad => [.. Enumerable.Range(0, Frames.Bad.Count)];

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task Hostile_bytes_in_place_of_a_reply_end_their_connection(int index)
    {
        var outcomes = await CallAsync(async (client, _) => await FakeRespServer.SendAsync(client, Reply(Value) + Frames.Bad[index]));

        Assert.Equal(ReplyKind.Ok, outcomes.Replies[0]);
        Assert.All(outcomes.Replies[1..], reply => Assert.Equal(ReplyKind.ConnectionLost, reply));
        Assert.Equal(ConnectionFaultKind.Protocol, outcomes.Fault.Kind);
        await AssertOtherIsWellAsync();
    }

    [Theory]
    [InlineData("+OK\r\n")]
    [InlineData("$-1\r\n")]
    [InlineData("*1\r\n:1\r\n")]
    [InlineData("-ERR something\r\n")]
    public async Task A_reply_that_nobody_asked_for_ends_its_connection(string reply)
    {
        var outcomes = await CallAsync(
            async (client, _) => await FakeRespServer.SendAsync(client, string.Concat(Enumerable.Repeat(Reply(Value), Calls)) + reply));

        Assert.All(outcomes.Replies, kind => Assert.Equal(ReplyKind.Ok, kind));
        Assert.Equal(ConnectionFaultKind.Protocol, outcomes.Fault.Kind);
        await AssertOtherIsWellAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_any_byte_a_server_may_close_or_fall_silent(bool closes)
    {
        var stream = ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n" + Reply(Value) + "_\r\n" + Reply(Value) + ":12\r\n";
        await Parallel.ForAsync(0, stream.Length, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancellation }, async (end, _) =>
        {
            var outcomes = await CallAsync(async (client, _) =>
            {
                await FakeRespServer.SendAsync(client, stream[..end]);
                if (closes)
                {
                    client.Dispose();
                }
            }, closes ? null : TimeSpan.FromSeconds(1));

            var lost = closes ? ReplyKind.ConnectionLost : ReplyKind.TimedOut;
            Assert.All(outcomes.Replies, kind => Assert.True(kind is ReplyKind.Ok or ReplyKind.Nil || kind == lost || kind == ReplyKind.ConnectionLost, $"{kind} after {end}"));
            Assert.True(outcomes.Replies.Count(kind => kind is ReplyKind.Ok or ReplyKind.Nil) <= 4);
            Assert.Equal(closes ? ConnectionFaultKind.ClosedByPeer : ConnectionFaultKind.Silent, outcomes.Fault.Kind);
        });
        await AssertOtherIsWellAsync();
    }

    [Fact]
    public async Task Endless_nesting_and_endless_texts_take_bounded_memory()
    {
        foreach (var endless in new[] { "*1\r\n", "*9999\r\n", "%1\r\n+a\r\n", "+aaaa", "*262144\r\n_\r\n" })
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var outcomes = await CallAsync(async (client, cancellation) =>
            {
                var bytes = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(endless, 10_000)));
                while (true)
                {
                    await client.SendAsync(bytes, cancellation);
                }
            });

            Assert.Equal(ConnectionFaultKind.Protocol, outcomes.Fault.Kind);
            Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 32 << 20);
        }

        await AssertOtherIsWellAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Whatever_comes_in_whatever_pieces_a_caller_gets_the_reply_that_was_his_or_a_failure(int seed)
    {
        var seeds = new Random(seed);
        for (var round = 0; round < 100; round++)
        {
            var random = new Random(seeds.Next());
            var script = MakeUp(random, out var expected);
            var outcomes = await CallAsync(async (client, cancellation) =>
            {
                for (var sent = 0; sent < script.Length;)
                {
                    var length = Math.Min(random.Next(4) == 0 ? random.Next(1, 200) : random.Next(1, 8), script.Length - sent);
                    await FakeRespServer.SendAsync(client, script.Substring(sent, length));
                    sent += length;
                    if (random.Next(20) == 0)
                    {
                        await Task.Delay(1, cancellation);
                    }
                }

                client.Shutdown(SocketShutdown.Send);
            });

            for (var i = 0; i < Calls; i++)
            {
                Assert.Equal(i < expected.Count ? expected[i] : ReplyKind.ConnectionLost, outcomes.Replies[i]);
            }
        }

        await AssertOtherIsWellAsync();
    }

    private static string Reply(string value) => $"${value.Length}\r\n{value}\r\n";

    private static string MakeUp(Random random, out List<ReplyKind> expected)
    {
        var script = new StringBuilder();
        expected = [];
        while (expected.Count < Calls)
        {
            switch (random.Next(12))
            {
                case < 6:
                    script.Append(Reply(Value));
                    expected.Add(ReplyKind.Ok);
                    break;
                case < 8:
                    script.Append("_\r\n");
                    expected.Add(ReplyKind.Nil);
                    break;
                case 8:
                    script.Append("-LOADING not yet\r\n");
                    expected.Add(ReplyKind.ServerError);
                    break;
                case < 11:
                    script.Append(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n");
                    break;
                default:
                    script.Append(Frames.Bad[random.Next(Frames.Bad.Count)]);
                    return script.ToString();
            }
        }

        return script.ToString();
    }

    private async Task<(ReplyKind[] Replies, ConnectionFault Fault)> CallAsync(Func<Socket, CancellationToken, Task> serve, TimeSpan? operationTimeout = null)
    {
        await using var server = new FakeRespServer(async (client, cancellation) =>
        {
            await FakeRespServer.ReadUntilAsync(client, string.Concat(Enumerable.Repeat("*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", Calls)), cancellation);
            await serve(client, cancellation);
        });
        await using var connection = await OpenAsync(server, operationTimeout ?? TimeSpan.FromSeconds(30));
        var calls = Enumerable.Range(0, Calls).Select(async _ =>
        {
            var destination = new ArrayBufferWriter<byte>();
            var reply = await connection.GetAsync(Key, destination, CallMode.Asynchronous, Cancellation);
            Assert.True(destination.WrittenCount == 0 || (reply.Kind == ReplyKind.Ok && destination.WrittenSpan.SequenceEqual(Encoding.ASCII.GetBytes(Value))));
            return reply.Kind;
        }).ToArray();
        var replies = await Task.WhenAll(calls);
        var fault = await connection.Closed.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        Assert.Equal(1, server.Accepted);
        return (replies, fault);
    }

    private async Task AssertOtherIsWellAsync()
    {
        var destination = new ArrayBufferWriter<byte>();
        Assert.Equal(ReplyKind.Ok, (await _other!.GetAsync(Key, destination, CallMode.Asynchronous, Cancellation)).Kind);
        Assert.Equal(Value, Encoding.ASCII.GetString(destination.WrittenSpan));
        Assert.False(_other.Closed.IsCompleted);
    }

    private Task<IServerConnection> OpenAsync(FakeRespServer server, TimeSpan operationTimeout) => server.OpenAsync(_connector, operationTimeout, Cancellation);
}
