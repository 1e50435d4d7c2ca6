using System.Buffers;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

public class RespCommandTests
{
    private static readonly StoredKey Key = new("app:"u8.ToArray(), "Größe");

    [Fact]
    public void Commands_are_arrays_of_texts()
    {
        Assert.Equal("*2 $3 GET $11 app:Größe ", Write(new GetCommand(Key)));
        Assert.Equal("*5 $3 SET $11 app:Größe $6 HEvalu $2 PX $1 1 ", Write(Set("HE"u8, "valu", TimeSpan.FromTicks(1))));
        Assert.Equal("*3 $3 SET $11 app:Größe $0  ", Write(Set([], "", Timeout.InfiniteTimeSpan)));
        Assert.Equal("*2 $4 ROLE $12 äöüäöü ", Write(new TextCommand(["ROLE", "äöüäöü"])));
    }

    [Fact]
    public void A_script_goes_by_its_digest_and_once_more_by_its_text()
    {
        var script = new StoredScript("s", "return 1");
        var arguments = new RespArguments();
        arguments.Set(Key, ["a"u8.ToArray(), Array.Empty<byte>()]);

        Assert.Equal($"*6 $7 EVALSHA $40 {script.Sha1} $1 1 $11 app:Größe $1 a $0  ", Write(new EvalShaCommand(script, arguments)));
        Assert.Equal("*6 $4 EVAL $8 return 1 $1 1 $11 app:Größe $1 a $0  ", Write(new EvalCommand(script, arguments)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(64 * 1024)]
    [InlineData(1_000_000)]
    public void Payloads_and_keys_of_any_size_pass_through_the_segments(int size)
    {
        var name = new string('k', Math.Min(size + 1, 64 * 1024));
        var payload = new byte[size];
        new Random(size).NextBytes(payload);
        var buffer = new RespBuffer();
        new SetCommand(new StoredKey([], name), "H"u8, new ReadOnlySequence<byte>(payload), TimeSpan.FromMilliseconds(1234567890123)).WriteTo(buffer);
        new GetCommand(new StoredKey([], name)).WriteTo(buffer);

        var head = $"*5\r\n$3\r\nSET\r\n${name.Length}\r\n{name}\r\n${size + 1}\r\nH";
        var tail = $"\r\n$2\r\nPX\r\n$13\r\n1234567890123\r\n*2\r\n$3\r\nGET\r\n${name.Length}\r\n{name}\r\n";
        Assert.Equal((byte[])[.. Encoding.ASCII.GetBytes(head), .. payload, .. Encoding.ASCII.GetBytes(tail)], Drain(buffer, 1000));
        Assert.Equal(0, buffer.Length);
    }

    [Theory]
    [InlineData(10, 10)]
    [InlineData(10, 200_000)]
    [InlineData(200_000, 10)]
    [InlineData(0, 200_000)]
    public void What_was_not_written_to_its_end_is_forgotten(int before, int forgotten)
    {
        var buffer = new RespBuffer();
        var kept = Enumerable.Range(0, before).Select(i => (byte)i).ToArray();
        buffer.Write(kept);
        var end = buffer.End;
        buffer.Write(new byte[forgotten]);
        buffer.Truncate(end);
        Assert.Equal(before, buffer.Length);
        buffer.Write("more"u8);

        Assert.Equal([.. kept, .. "more"u8], Drain(buffer, 70_000));
    }

    [Fact]
    public void A_buffer_takes_over_what_another_holds_and_goes_on_behind_it()
    {
        var (buffer, other) = (new RespBuffer(), new RespBuffer());
        buffer.Write("first,"u8);
        other.Write(new byte[100_000]);
        other.Write("second,"u8);
        buffer.TakeOver(other);
        buffer.Write("third"u8);
        other.Write("own"u8);

        Assert.Equal([.. "first,"u8, .. new byte[100_000], .. "second,third"u8], Drain(buffer, 333));
        Assert.Equal("own"u8.ToArray(), Drain(other, 1));
    }

    private static SetCommand Set(ReadOnlySpan<byte> header, string payload, TimeSpan timeToLive) =>
        new(Key, header, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(payload)), timeToLive);

    private static string Write<TCommand>(scoped in TCommand command)
        where TCommand : IRespCommand, allows ref struct
    {
        var buffer = new RespBuffer();
        command.WriteTo(buffer);
        return Encoding.UTF8.GetString(Drain(buffer, 7)).Replace("\r\n", " ", StringComparison.Ordinal);
    }

    private static byte[] Drain(RespBuffer buffer, int step)
    {
        var bytes = new List<byte>();
        while (buffer.Length > 0)
        {
            var part = buffer.First[..Math.Min(step, buffer.First.Count)];
            bytes.AddRange(part);
            buffer.Consume(part.Count);
        }

        return [.. bytes];
    }
}
