using System.Globalization;
using System.Text;

namespace ShardedCache.Connections;

internal enum ControlReplyKind : byte
{
    Text,
    Integer,
    Nil,
    Array,
    ServerError,
    TimedOut,
    ConnectionLost,
}

/// <summary>
/// The reply to a control command (PING, ROLE, INFO, SENTINEL …): a small tree, read off the hot path. A RESP3 map is
/// flattened to an array of alternating names and values, as RESP2 sends it.
/// </summary>
internal sealed record ControlReply(ControlReplyKind Kind)
{
    public ReadOnlyMemory<byte> Bytes { get; init; }

    public long Integer { get; init; }

    public IReadOnlyList<ControlReply> Items { get; init; } = [];

    public ServerErrorCode Error { get; init; }

    /// <summary>The text of a string or an error, or an integer in digits; empty for the other kinds.</summary>
    public string Text => Kind == ControlReplyKind.Integer
        ? Integer.ToString(CultureInfo.InvariantCulture)
        : Encoding.UTF8.GetString(Bytes.Span);

    public bool IsAnswer => Kind is ControlReplyKind.Text or ControlReplyKind.Integer or ControlReplyKind.Nil or ControlReplyKind.Array;

    public static ControlReply TimedOut { get; } = new(ControlReplyKind.TimedOut);

    public static ControlReply ConnectionLost { get; } = new(ControlReplyKind.ConnectionLost);

    public static ControlReply FromText(string text) => new(ControlReplyKind.Text) { Bytes = Encoding.UTF8.GetBytes(text) };

    public static ControlReply FromError(string text) =>
        new(ControlReplyKind.ServerError) { Bytes = Encoding.UTF8.GetBytes(text), Error = ServerErrors.Classify(text) };
}
