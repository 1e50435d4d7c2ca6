using System.Text;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

public class RespReaderTests
{
    public static TheoryData<int> Good => [.. Enumerable.Range(0, Frames.Good.Count)];

    public static TheoryData<int> Bad => [.. Enumerable.Range(0, Frames.Bad.Count)];

    [Theory]
    [MemberData(nameof(Good))]
    public void A_frame_is_understood_whole_and_ends_where_it_ends(int index)
    {
        var (frame, meaning) = Frames.Good[index];
        var bytes = Frames.Bytes(frame + "+next\r\n");
        var scanner = default(RespScanner);

        Assert.Equal(RespStatus.Complete, scanner.Scan(bytes, out var token, out var length));
        Assert.Equal(frame.Length, length);
        Assert.Equal(frame[0] == '>' ? RespKind.Push : token.Kind, token.Kind);
        Assert.Equal(meaning, Describe(RespReplies.Control(bytes)));
    }

    [Theory]
    [MemberData(nameof(Good))]
    public void A_frame_that_is_split_at_any_byte_is_incomplete_until_its_last(int index)
    {
        var bytes = Frames.Bytes(Frames.Good[index].Frame);
        for (var split = 0; split < bytes.Length; split++)
        {
            var scanner = default(RespScanner);
            Assert.Equal(RespStatus.Incomplete, scanner.Scan(bytes.AsSpan(0, split), out _, out _));
            Assert.Equal(RespStatus.Complete, scanner.Scan(bytes, out _, out var length));
            Assert.Equal(bytes.Length, length);
        }
    }

    [Fact]
    public void Frames_that_come_byte_by_byte_are_understood_one_after_another()
    {
        var bytes = Frames.Bytes(string.Concat(Frames.Good.Select(good => good.Frame)));
        var buffer = new RespReceiveBuffer();
        var scanner = default(RespScanner);
        var meanings = new List<string>();
        foreach (var one in bytes)
        {
            buffer.Free(scanner.Needed)[0] = one;
            buffer.Add(1);
            if (scanner.Scan(buffer.Received, out _, out var length) == RespStatus.Complete)
            {
                meanings.Add(Describe(RespReplies.Control(buffer.Received[..length])));
                buffer.Consume(length);
            }
        }

        Assert.Equal(Frames.Good.Select(good => good.Meaning), meanings);
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void What_is_not_a_frame_is_found_out_however_it_is_split(int index)
    {
        var bytes = Frames.Bytes(Frames.Bad[index]);
        Assert.Equal(RespStatus.Invalid, default(RespScanner).Scan(bytes, out _, out _));
        for (var step = 1; step < bytes.Length; step += Math.Max(1, bytes.Length / 50))
        {
            var scanner = default(RespScanner);
            var status = RespStatus.Incomplete;
            for (var end = step; status == RespStatus.Incomplete; end = Math.Min(end + step, bytes.Length))
            {
                status = scanner.Scan(bytes.AsSpan(0, end), out _, out _);
                Assert.False(status == RespStatus.Incomplete && end == bytes.Length, $"in steps of {step}");
            }

            Assert.Equal(RespStatus.Invalid, status);
        }
    }

    [Fact]
    public void An_array_of_too_many_elements_in_all_is_refused()
    {
        var frame = new StringBuilder("*1024\r\n");
        for (var i = 0; i < 1024; i++)
        {
            frame.Append("*300\r\n").Insert(frame.Length, "_\r\n", 300);
        }

        Assert.Equal(RespStatus.Invalid, default(RespScanner).Scan(Frames.Bytes(frame.ToString()), out _, out _));
    }

    [Fact]
    public void A_long_array_that_comes_in_pieces_is_read_once()
    {
        const int elements = 200_000;
        var bytes = Frames.Bytes($"*{elements}\r\n" + string.Concat(Enumerable.Repeat(":1\r\n", elements)));
        var scanner = default(RespScanner);
        for (var end = 0; end < bytes.Length; end += 100)
        {
            Assert.Equal(RespStatus.Incomplete, scanner.Scan(bytes.AsSpan(0, end), out _, out _));
        }

        Assert.Equal(RespStatus.Complete, scanner.Scan(bytes, out var token, out _));
        Assert.Equal(elements, token.Value);
    }

    [Fact]
    public void An_announced_length_alone_takes_no_memory()
    {
        var buffer = new RespReceiveBuffer();
        var scanner = default(RespScanner);
        var bytes = Frames.Bytes("$536870912\r\nabc");
        bytes.CopyTo(buffer.Free(0));
        buffer.Add(bytes.Length);
        Assert.Equal(RespStatus.Incomplete, scanner.Scan(buffer.Received, out _, out _));

        var free = buffer.Free(scanner.Needed);
        Assert.InRange(buffer.Capacity, free.Length, 64 * 1024);
        Assert.Equal("$536870912\r\nabc", Encoding.Latin1.GetString(buffer.Received));
    }

    [Fact]
    public void The_memory_of_a_large_frame_is_given_back_once_the_frame_was_read()
    {
        const int Large = 8 << 20;
        var buffer = new RespReceiveBuffer();
        for (var received = 0; received < Large;)
        {
            var count = Math.Min(buffer.Free(Large).Length, Large - received);
            buffer.Add(count);
            received += count;
        }

        Assert.InRange(buffer.Capacity, Large, int.MaxValue);
        buffer.Consume(Large);
        Assert.InRange(buffer.Capacity, 1, 1 << 20);
    }

    private static string Describe(ControlReply reply) => reply.Kind switch
    {
        ControlReplyKind.Nil => "nil",
        ControlReplyKind.Integer => ":" + reply.Text,
        ControlReplyKind.Array => $"[{string.Join(' ', reply.Items.Select(Describe))}]",
        ControlReplyKind.ServerError => "!" + reply.Text,
        _ => reply.Text,
    };
}
