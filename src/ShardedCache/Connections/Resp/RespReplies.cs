using System.Text;

namespace ShardedCache.Connections.Resp;

/// <summary>Turns complete frames into what the seam speaks.</summary>
internal static class RespReplies
{
    public static Reply Error(ReadOnlySpan<byte> text) => Reply.FromError(Encoding.UTF8.GetString(text));

    /// <param name="frame">One complete frame; what follows it is not read.</param>
    public static ControlReply Control(ReadOnlySpan<byte> frame) => Control(frame, out _);

    private static ControlReply Control(ReadOnlySpan<byte> frame, out int length)
    {
        RespReader.Read(frame, out var token);
        length = token.Length;
        switch (token.Kind)
        {
            case RespKind.Integer:
                return new ControlReply(ControlReplyKind.Integer) { Integer = token.Value };
            case RespKind.Nil:
                return new ControlReply(ControlReplyKind.Nil);
            case RespKind.Error:
                return ControlReply.FromError(ServerErrors.WithoutArguments(Encoding.UTF8.GetString(token.Body(frame))));
            case RespKind.Text:
                return new ControlReply(ControlReplyKind.Text) { Bytes = token.Body(frame).ToArray() };
            default:
                var items = new ControlReply[token.Value];
                for (var i = 0; i < items.Length; i++)
                {
                    items[i] = Control(frame[length..], out var itemLength);
                    length += itemLength;
                }

                return new ControlReply(ControlReplyKind.Array) { Items = items };
        }
    }
}
