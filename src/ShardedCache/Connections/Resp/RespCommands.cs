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

internal readonly ref struct SetCommand(StoredKey key, ReadOnlySpan<byte> header, ReadOnlySequence<byte> payload, TimeSpan timeToLive, RespLoan? loan = null) : IRespCommand
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
        if (loan is not null)
        {
            buffer.Write(loan, (int)payload.Length);
        }
        else if (payload.IsSingleSegment)
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
    public void WriteTo(RespBuffer buffer) => ScriptCommand.Write(buffer, "$7\r\nEVALSHA\r\n"u8, script.Sha1, script.Sha1.Length, arguments);
}

internal readonly ref struct EvalCommand(StoredScript script, RespArguments arguments) : IRespCommand
{
    public void WriteTo(RespBuffer buffer) =>
        ScriptCommand.Write(buffer, "$4\r\nEVAL\r\n"u8, script.Text, Encoding.UTF8.GetByteCount(script.Text), arguments);
}

/// <summary>A script by its digest or as text: all else is the same.</summary>
file static class ScriptCommand
{
    public static void Write(RespBuffer buffer, ReadOnlySpan<byte> name, string script, int length, RespArguments arguments)
    {
        var oneKey = "$1\r\n1\r\n"u8;
        var writer = new RespWriter(buffer.Reserve(RespWriter.LongestHead + name.Length + RespWriter.RoomFor(length) + oneKey.Length));
        writer.ArrayHead(3 + arguments.Count);
        writer.Raw(name);
        writer.Text(script, length);
        writer.Raw(oneKey);
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
