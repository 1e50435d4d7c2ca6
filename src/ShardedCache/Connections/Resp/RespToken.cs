namespace ShardedCache.Connections.Resp;

internal enum RespKind : byte
{
    /// <summary>A status or a string; also a double and a big number, which nothing here asks for.</summary>
    Text,

    /// <summary>Also a boolean, as 1 or 0.</summary>
    Integer,

    Nil,
    Error,
    Array,
    Push,
}

/// <summary>
/// The first line of a frame. What a text or an error says is <see cref="BodyLength"/> bytes from <see cref="BodyStart"/>; the
/// elements of an array follow from there.
/// </summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">An integer's value, or an array's number of elements; a map has two for each entry.</param>
/// <param name="BodyStart">Counted from the frame's first byte.</param>
/// <param name="BodyLength">0 where there is no body.</param>
/// <param name="Length">The frame's length, without an array's elements.</param>
internal readonly record struct RespToken(RespKind Kind, long Value, int BodyStart, int BodyLength, int Length)
{
    public bool IsAggregate => Kind is RespKind.Array or RespKind.Push;

    public ReadOnlySpan<byte> Body(ReadOnlySpan<byte> frame) => frame.Slice(BodyStart, BodyLength);
}

internal enum RespStatus : byte
{
    Complete,

    /// <summary>More bytes must come first.</summary>
    Incomplete,

    /// <summary>Not the protocol, or beyond <see cref="RespLimits"/>.</summary>
    Invalid,
}
