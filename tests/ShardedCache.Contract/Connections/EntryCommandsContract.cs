using System.Buffers;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Testing;

namespace ShardedCache.Contract.Connections;

/// <summary>What the entry commands do, on a server that is well.</summary>
public abstract class EntryCommandsContract(ServerFixture fixture) : ConnectionContract, IClassFixture<ServerFixture>
{
    private static readonly StoredScript Length = new("length", "return redis.call('STRLEN', KEYS[1]) + ARGV[1]");
    private static readonly StoredScript AppendText = new("append", "return redis.call('APPEND', KEYS[1], ARGV[1])");

    private RedisProcess Server => fixture.Server;

    public static TheoryData<string, int> ModesAndSizes()
    {
        var data = new TheoryData<string, int>();
        foreach (var mode in Enum.GetNames<CallMode>())
        {
            foreach (var size in new[] { 0, 1, 4096, 8 << 20 })
            {
                data.Add(mode, size);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(ModesAndSizes))]
    public async Task What_is_set_is_read_back_byte_for_byte(string mode, int size)
    {
        await using var connection = await OpenAsync(Server);
        var key = NewKey();
        var payload = new byte[size];
        new Random(size).NextBytes(payload);

        var callMode = Enum.Parse<CallMode>(mode);
        Assert.Equal(Reply.Ok, await connection.SetAsync(key, "header"u8, Segmented(payload), TimeSpan.FromMinutes(1), callMode, Cancellation));

        var destination = new ArrayBufferWriter<byte>();
        destination.Write("before"u8);
        Assert.Equal(Reply.Ok, await connection.GetAsync(key, destination, callMode, Cancellation));
        Assert.True(destination.WrittenSpan.StartsWith("beforeheader"u8));
        Assert.True(destination.WrittenSpan["beforeheader".Length..].SequenceEqual(payload));
        var stored = await Server.GetBytesAsync(Whole(key), Cancellation);
        Assert.True(stored.AsSpan("header".Length).SequenceEqual(payload));
    }

    [Fact]
    public async Task A_blocking_call_returns_a_completed_value_task()
    {
        await using var connection = await OpenAsync(Server);
        var key = NewKey();

        Assert.True(SetAsync(connection, key, "1", CallMode.Blocking).IsCompletedSuccessfully);
        Assert.True(connection.GetAsync(key, new ArrayBufferWriter<byte>(), CallMode.Blocking, Cancellation).IsCompletedSuccessfully);
        Assert.True(connection.RunAsync(Length, key, [Bytes("1")], CallMode.Blocking, Cancellation).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task The_time_to_live_is_sent_in_milliseconds()
    {
        await using var connection = await OpenAsync(Server);
        var key = NewKey();

        await connection.SetAsync(key, [], Payload("1"), TimeSpan.FromMilliseconds(61_234.9), CallMode.Asynchronous, Cancellation);
        Assert.InRange(long.Parse(await Server.ExecuteAsync("PTTL", Whole(key))), 60_001, 61_234);

        await connection.SetAsync(key, [], Payload("1"), TimeSpan.FromTicks(1), CallMode.Asynchronous, Cancellation);
        await HoldsAsync(async () => await Server.ExecuteAsync("EXISTS", Whole(key)) == "0", "an entry of one tick expires");

        await connection.SetAsync(key, [], Payload("1"), Timeout.InfiniteTimeSpan, CallMode.Asynchronous, Cancellation);
        Assert.Equal("-1", await Server.ExecuteAsync("PTTL", Whole(key)));
    }

    [Theory]
    [InlineData(nameof(CallMode.Asynchronous))]
    [InlineData(nameof(CallMode.Blocking))]
    public async Task A_missing_key_is_nil_and_writes_nothing(string mode)
    {
        await using var connection = await OpenAsync(Server);
        var destination = new ArrayBufferWriter<byte>();

        Assert.Equal(Reply.Nil, await connection.GetAsync(NewKey(), destination, Enum.Parse<CallMode>(mode), Cancellation));
        Assert.Equal(0, destination.WrittenCount);
    }

    [Fact]
    public async Task A_key_is_the_bytes_of_its_prefix_and_the_utf8_of_its_name()
    {
        await using var connection = await OpenAsync(Server);
        await SetAsync(connection, new StoredKey([0xFF, 0x00, (byte)':'], "Größe 🔑"), "1");
        await SetAsync(connection, new StoredKey([], "no prefix"), "2");

        var keys = await connection.ExecuteAsync(new[] { "KEYS", "*" }, Cancellation);
        Assert.Contains(keys.Items, item => item.Bytes.Span.SequenceEqual((byte[])[0xFF, 0x00, (byte)':', .. Encoding.UTF8.GetBytes("Größe 🔑")]));
        Assert.Equal("2", await Server.ExecuteAsync("GET", "no prefix"));
    }

    [Theory]
    [InlineData(nameof(CallMode.Asynchronous))]
    [InlineData(nameof(CallMode.Blocking))]
    public async Task A_refusal_is_a_reply_with_its_code_word_and_the_connection_goes_on(string mode)
    {
        await using var connection = await OpenAsync(Server);
        var key = NewKey();
        await Server.ExecuteAsync("LPUSH", Whole(key), "1");

        var reply = await connection.GetAsync(key, new ArrayBufferWriter<byte>(), Enum.Parse<CallMode>(mode), Cancellation);
        Assert.Equal((ReplyKind.ServerError, ServerErrorCode.WrongType), (reply.Kind, reply.Error));
        Assert.StartsWith("WRONGTYPE ", reply.ErrorText);

        var refusing = new StoredScript("refuse", "return redis.error_reply('READONLY not here')");
        reply = await connection.RunAsync(refusing, key, [], Enum.Parse<CallMode>(mode), Cancellation);
        Assert.Equal((ReplyKind.ServerError, ServerErrorCode.ReadOnly), (reply.Kind, reply.Error));
        Assert.Null(await ReadAsync(connection, NewKey()));
        Assert.False(connection.Closed.IsCompleted);
    }

    [Theory]
    [InlineData(nameof(CallMode.Asynchronous))]
    [InlineData(nameof(CallMode.Blocking))]
    public async Task A_script_that_the_server_does_not_know_is_sent_as_text_once(string mode)
    {
        await using var connection = await OpenAsync(Server);
        var key = NewKey();
        var callMode = Enum.Parse<CallMode>(mode);
        await SetAsync(connection, key, "four");
        await Server.ExecuteAsync("SCRIPT", "FLUSH");
        await Server.ExecuteAsync("CONFIG", "RESETSTAT");

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(new Reply(ReplyKind.Ok, 46), await connection.RunAsync(Length, key, [Bytes("42")], callMode, Cancellation));
        }

        var statistics = await Server.ExecuteAsync("INFO", "commandstats");
        Assert.Contains("cmdstat_eval:calls=1,", statistics);
        Assert.Contains("cmdstat_evalsha:calls=3,", statistics);
    }

    [Fact]
    public async Task A_script_returns_an_integer_or_nil()
    {
        await using var connection = await OpenAsync(Server);

        var nil = new StoredScript("nil", "return false");
        var large = new StoredScript("large", "return 9007199254740991");
        Assert.Equal(Reply.Nil, await connection.RunAsync(nil, NewKey(), [], CallMode.Asynchronous, Cancellation));
        Assert.Equal(9007199254740991, (await connection.RunAsync(large, NewKey(), [], CallMode.Asynchronous, Cancellation)).Integer);
    }

    [Fact]
    public async Task A_script_is_executed_also_when_the_server_does_not_know_it_any_more()
    {
        await using var connection = await OpenAsync(Server);
        var key = NewKey();
        await connection.RunAsync(AppendText, key, [Bytes("known, ")], CallMode.Asynchronous, Cancellation);
        await Server.ExecuteAsync("SCRIPT", "FLUSH");

        await connection.RunAsync(AppendText, key, [Bytes("forgotten")], CallMode.Asynchronous, Cancellation);

        Assert.Equal("known, forgotten", await ReadAsync(connection, key));
    }

    [Fact]
    public async Task Commands_of_one_caller_are_executed_in_the_order_of_the_calls()
    {
        await using var connection = await OpenAsync(Server);
        var key = NewKey();
        await SetAsync(connection, key, "");
        await connection.RunAsync(AppendText, key, [Bytes("")], CallMode.Asynchronous, Cancellation);

        var others = Enumerable.Range(0, 4).Select(_ => Task.Run(() => Task.WhenAll(
            Enumerable.Range(0, 2000).Select(_ => SetAsync(connection, NewKey(), "noise").AsTask())))).ToArray();
        var replies = new List<ValueTask<Reply>>();
        for (var i = 0; i < 2000; i++)
        {
            replies.Add(connection.RunAsync(AppendText, key, [Bytes($"{i},")], CallMode.Asynchronous, Cancellation));
        }

        foreach (var reply in replies)
        {
            Assert.Equal(ReplyKind.Ok, (await reply).Kind);
        }

        await Task.WhenAll(others);
        Assert.Equal(string.Concat(Enumerable.Range(0, 2000).Select(i => $"{i},")), await ReadAsync(connection, key));
    }

    [Fact]
    public async Task A_batch_holds_its_commands_until_it_is_sent_and_keeps_their_order()
    {
        await using var connection = await OpenAsync(Server);
        var key = NewKey();
        var missing = NewKey();
        await Server.ExecuteAsync("SCRIPT", "FLUSH");
        var destination = new ArrayBufferWriter<byte>();
        var nothing = new ArrayBufferWriter<byte>();

        var batch = connection.CreateBatch();
        var set = SetAsync(batch, key, "1");
        var get = batch.GetAsync(key, destination, CallMode.Asynchronous, Cancellation);
        var miss = batch.GetAsync(missing, nothing, CallMode.Asynchronous, Cancellation);
        var run = batch.RunAsync(Length, key, [Bytes("1")], CallMode.Asynchronous, Cancellation);
        Assert.Equal("PONG", (await connection.ExecuteAsync(new[] { "PING" }, Cancellation)).Text);
        Assert.Equal("0", await Server.ExecuteAsync("EXISTS", Whole(key)));
        Assert.False(set.IsCompleted || get.IsCompleted || miss.IsCompleted || run.IsCompleted);

        batch.Send();
        Assert.Equal(Reply.Ok, await set);
        Assert.Equal(Reply.Ok, await get);
        Assert.Equal(Reply.Nil, await miss);
        Assert.Equal(new Reply(ReplyKind.Ok, 2), await run);
        Assert.Equal("1", Encoding.UTF8.GetString(destination.WrittenSpan));
        Assert.Equal(0, nothing.WrittenCount);
    }

    [Fact]
    public async Task A_batch_of_ten_thousand_is_answered_entry_by_entry()
    {
        await using var connection = await OpenAsync(Server);
        var keys = Enumerable.Range(0, 10_000).Select(_ => NewKey()).ToArray();
        var batch = connection.CreateBatch();
        var sets = Array.ConvertAll(keys, key => SetAsync(batch, key, key.Name).AsTask());
        batch.Send();
        Assert.All(await Task.WhenAll(sets), reply => Assert.Equal(Reply.Ok, reply));

        batch = connection.CreateBatch();
        var gets = Array.ConvertAll(keys, key => ReadAsync(batch, key));
        batch.Send();
        Assert.Equal(keys.Select(key => key.Name), await Task.WhenAll(gets));
    }

    [Fact]
    public async Task A_batch_on_a_connection_that_has_ended_is_lost()
    {
        var connection = await OpenAsync(Server);
        var batch = connection.CreateBatch();
        var queued = SetAsync(batch, NewKey(), "1");
        await connection.DisposeAsync();

        batch.Send();
        Assert.Equal(Reply.ConnectionLost, await queued);

        batch = connection.CreateBatch();
        queued = SetAsync(batch, NewKey(), "1");
        batch.Send();
        Assert.Equal(Reply.ConnectionLost, await queued);
    }

    [Fact]
    public async Task A_control_reply_is_a_tree_of_texts_integers_and_nils()
    {
        await using var connection = await OpenAsync(Server);
        var key = Whole(NewKey());

        Assert.Equal(new ControlReply(ControlReplyKind.Nil), await Execute("GET", key));
        Assert.Equal(2, (await Execute("HSET", key, "a", "1", "b", "2")).Integer);
        Assert.Equal(["a", "1", "b", "2"], (await Execute("HGETALL", key)).Items.Select(item => item.Text));
        Assert.Equal("master", (await Execute("ROLE")).Items[0].Text);
        Assert.Equal(ControlReplyKind.Array, (await Execute("ROLE")).Items[2].Kind);
        Assert.Contains("role:master", (await Execute("INFO", "replication")).Text);
        Assert.Equal(ControlReplyKind.ServerError, (await Execute("NOSUCHCOMMAND")).Kind);
        Assert.Equal(ServerErrorCode.WrongType, (await Execute("GET", key)).Error);

        ValueTask<ControlReply> Execute(params string[] command) => connection.ExecuteAsync(command, Cancellation);
    }

    [Fact]
    public async Task A_subscription_hears_its_channel_in_order_while_commands_go_on()
    {
        await using var connection = await OpenAsync(Server);
        var heard = new List<string>();
        var reply = await connection.SubscribeAsync(
            "+news",
            (channel, message) =>
            {
                lock (heard)
                {
                    heard.Add(channel + message);
                }
            },
            Cancellation);
        Assert.Equal(Reply.Ok, reply);

        for (var i = 0; i < 100; i++)
        {
            await Server.ExecuteAsync("PUBLISH", "+news", $"{i}");
        }

        Assert.Null(await ReadAsync(connection, NewKey()));
        await HoldsAsync(() => heard.Count == 100, "every message is heard");
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"+news{i}"), heard);
    }

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static ReadOnlySequence<byte> Segmented(byte[] payload)
    {
        var middle = payload.Length / 2;
        var first = new Segment(payload.AsMemory(0, middle), 0);
        var last = first.Append(payload.AsMemory(middle));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long start) => (Memory, RunningIndex) = (memory, start);

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
