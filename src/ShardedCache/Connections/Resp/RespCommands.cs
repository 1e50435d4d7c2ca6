using System.Buffers;
using System.Text;

namespace ShardedCache.Connections.Resp;

internal readonly ref struct GetCommand(StoredKey key) : IRespCommand
{
    public void WriteTo(RespBuffer buffer)
    {
        var keyLength = RespWriter.LengthOf(key);
        var head = "*2\r\n$3\r\nGET\r\n"u8;
        var writer = new RespWriter(buffer.Reserve(head.Length + RespWriter.RoomFor(keyLength)));
        writer.Raw(head);
        writer.Key(key, keyLength);
        buffer.Advance(writer.Written);
    }
}

internal readonly ref struct SetCommand(StoredKey key, ReadOnlySpan<byte> header, ReadOnlySequence<byte> payload, TimeSpan timeToLive) : IRespCommand
{
    private readonly ReadOnlySpan<byte> _header = header;

    public void WriteTo(RespBuffer buffer)
    {
        var keyLength = RespWriter.LengthOf(key);
        var expires = timeToLive != Timeout.InfiniteTimeSpan;
        var head = expires ? "*5\r\n$3\r\nSET\r\n"u8 : "*3\r\n$3\r\nSET\r\n"u8;
        var writer = new RespWriter(buffer.Reserve(head.Length + RespWriter.RoomFor(keyLength) + RespWriter.RoomFor(_header.Length)));
        writer.Raw(head);
        writer.Key(key, keyLength);
        writer.TextHead(checked(_header.Length + (int)payload.Length));
        writer.Raw(_header);
        buffer.Advance(writer.Written);
        if (payload.IsSingleSegment)
        {
            buffer.Write(payload.FirstSpan);
        }
        else
        {
            foreach (var part in payload)
            {
                buffer.Write(part.Span);
            }
        }

        var option = "\r\n$2\r\nPX\r\n"u8;
        writer = new RespWriter(buffer.Reserve(option.Length + RespWriter.RoomForInteger()));
        if (expires)
        {
            writer.Raw(option);
            writer.Integer(Math.Max(1, timeToLive.Ticks / TimeSpan.TicksPerMillisecond));
        }
        else
        {
            writer.EndLine();
        }

        buffer.Advance(writer.Written);
    }
}

internal readonly ref struct EvalShaCommand(StoredScript script, RespArguments arguments) : IRespCommand
{
    public void WriteTo(RespBuffer buffer)
    {
        const int digits = 40;
        var head = "$7\r\nEVALSHA\r\n"u8;
        var one = "$1\r\n1\r\n"u8;
        var writer = new RespWriter(buffer.Reserve(RespWriter.LongestHead + head.Length + RespWriter.RoomFor(digits) + one.Length));
        writer.ArrayHead(3 + arguments.Count);
        writer.Raw(head);
        writer.Text(script.Sha1, digits);
        writer.Raw(one);
        buffer.Advance(writer.Written);
        buffer.Write(arguments.Bytes);
    }
}

internal readonly ref struct EvalCommand(StoredScript script, RespArguments arguments) : IRespCommand
{
    public void WriteTo(RespBuffer buffer)
    {
        var length = Encoding.UTF8.GetByteCount(script.Text);
        var head = "$4\r\nEVAL\r\n"u8;
        var one = "$1\r\n1\r\n"u8;
        var writer = new RespWriter(buffer.Reserve(RespWriter.LongestHead + head.Length + RespWriter.RoomFor(length) + one.Length));
        writer.ArrayHead(3 + arguments.Count);
        writer.Raw(head);
        writer.Text(script.Text, length);
        writer.Raw(one);
        buffer.Advance(writer.Written);
        buffer.Write(arguments.Bytes);
    }
}

internal readonly ref struct TextCommand(ReadOnlySpan<string> parts) : IRespCommand
{
    private readonly ReadOnlySpan<string> _parts = parts;

    public void WriteTo(RespBuffer buffer)
    {
        var writer = new RespWriter(buffer.Reserve(RespWriter.LongestHead));
        writer.ArrayHead(_parts.Length);
        buffer.Advance(writer.Written);
        foreach (var part in _parts)
        {
            var length = Encoding.UTF8.GetByteCount(part);
            writer = new RespWriter(buffer.Reserve(RespWriter.RoomFor(length)));
            writer.Text(part, length);
            buffer.Advance(writer.Written);
        }
    }
}
