using System.Runtime.CompilerServices;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// Reads one token of RESP3 (https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md), and RESP2's nils. What
/// a server sends only when asked to (streamed texts and arrays, attributes) is not the protocol here.
/// </summary>
internal static class RespReader
{
    private const int LongestInteger = 20;

    /// <param name="data">Begins with the token.</param>
    /// <param name="token">Set when complete, and when only the body of a text is missing.</param>
    public static RespStatus Read(ReadOnlySpan<byte> data, out RespToken token)
    {
        token = default;
        if (data.IsEmpty)
        {
            return RespStatus.Incomplete;
        }

        switch (data[0])
        {
            case (byte)'$':
                return ReadText(data, RespKind.Text, prefix: 0, out token);
            case (byte)'+':
            case (byte)',':
            case (byte)'(':
                return ReadLine(data, RespKind.Text, out token);
            case (byte)':':
                var status = ReadInteger(data, out var value, out var length);
                token = new RespToken(RespKind.Integer, value, 0, 0, length);
                return status;
            case (byte)'-':
                return ReadLine(data, RespKind.Error, out token);
            case (byte)'_':
                status = ReadLine(data, RespKind.Nil, out token);
                return status == RespStatus.Complete && token.BodyLength != 0 ? RespStatus.Invalid : status;
            case (byte)'#':
                return ReadBoolean(data, out token);
            case (byte)'!':
                return ReadText(data, RespKind.Error, prefix: 0, out token);
            case (byte)'=':
                return ReadText(data, RespKind.Text, prefix: 4, out token);
            case (byte)'*':
            case (byte)'~':
                return ReadCount(data, RespKind.Array, 1, out token);
            case (byte)'%':
                return ReadCount(data, RespKind.Array, 2, out token);
            case (byte)'>':
                return ReadCount(data, RespKind.Push, 1, out token);
            default:
                return RespStatus.Invalid;
        }
    }

    /// <param name="data">Begins with the token.</param>
    /// <param name="kind">What the text is.</param>
    /// <param name="prefix">Bytes of the text that tell its format (<c>txt:</c>), and are none of it.</param>
    /// <param name="token">The result.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static RespStatus ReadText(ReadOnlySpan<byte> data, RespKind kind, int prefix, out RespToken token)
    {
        token = default;
        var status = ReadInteger(data, out var count, out var start);
        if (status != RespStatus.Complete)
        {
            return status;
        }

        if (count == -1 && kind == RespKind.Text)
        {
            token = new RespToken(RespKind.Nil, 0, 0, 0, start);
            return RespStatus.Complete;
        }

        if (count < prefix || count > (kind == RespKind.Error ? RespLimits.LongestLine : RespLimits.LongestText))
        {
            return RespStatus.Invalid;
        }

        var end = start + (int)count;
        token = new RespToken(kind, 0, start + prefix, (int)count - prefix, end + 2);
        if (data.Length < end + 2)
        {
            return RespStatus.Incomplete;
        }

        return data[end] == '\r' && data[end + 1] == '\n' ? RespStatus.Complete : RespStatus.Invalid;
    }

    private static RespStatus ReadLine(ReadOnlySpan<byte> data, RespKind kind, out RespToken token)
    {
        token = default;
        var end = data.IndexOf((byte)'\r');
        if (end > RespLimits.LongestLine || (end < 0 && data.Length > RespLimits.LongestLine))
        {
            return RespStatus.Invalid;
        }

        if (end < 0 || end + 1 == data.Length)
        {
            return RespStatus.Incomplete;
        }

        token = new RespToken(kind, 0, 1, end - 1, end + 2);
        return data[end + 1] == '\n' ? RespStatus.Complete : RespStatus.Invalid;
    }

    private static RespStatus ReadBoolean(ReadOnlySpan<byte> data, out RespToken token)
    {
        var status = ReadLine(data, RespKind.Integer, out var line);
        token = default;
        if (status != RespStatus.Complete)
        {
            return status;
        }

        token = new RespToken(RespKind.Integer, data[1] == 't' ? 1 : 0, 0, 0, line.Length);
        return line.BodyLength == 1 && data[1] is (byte)'t' or (byte)'f' ? RespStatus.Complete : RespStatus.Invalid;
    }

    private static RespStatus ReadCount(ReadOnlySpan<byte> data, RespKind kind, int factor, out RespToken token)
    {
        token = default;
        var status = ReadInteger(data, out var count, out var length);
        if (status != RespStatus.Complete)
        {
            return status;
        }

        if (count == -1 && data[0] == '*')
        {
            token = new RespToken(RespKind.Nil, 0, 0, 0, length);
            return RespStatus.Complete;
        }

        token = new RespToken(kind, count * factor, length, 0, length);
        return count is >= 0 and <= RespLimits.MostElements ? RespStatus.Complete : RespStatus.Invalid;
    }

    /// <param name="data">A marker, then the digits.</param>
    /// <param name="value">The integer.</param>
    /// <param name="length">Of the whole line.</param>
    private static RespStatus ReadInteger(ReadOnlySpan<byte> data, out long value, out int length)
    {
        (value, length) = (0, 0);
        var i = 1;
        var isNegative = data.Length > 1 && data[1] == '-';
        if (isNegative || (data.Length > 1 && data[1] == '+'))
        {
            i++;
        }

        var start = i;
        ulong magnitude = 0;
        for (; i < data.Length; i++)
        {
            var digit = (uint)(data[i] - '0');
            if (digit > 9)
            {
                break;
            }

            // Nineteen digits cannot overflow an unsigned number; whether they fit a signed one is seen below.
            magnitude = (magnitude * 10) + digit;
            if (i - start >= LongestInteger - 1)
            {
                return RespStatus.Invalid;
            }
        }

        if (i == data.Length || (data[i] == '\r' && i + 1 == data.Length && i > start))
        {
            return RespStatus.Incomplete;
        }

        if (i == start || data[i] != '\r' || data[i + 1] != '\n' || magnitude > long.MaxValue + (isNegative ? 1UL : 0UL))
        {
            return RespStatus.Invalid;
        }

        value = isNegative ? -(long)magnitude : (long)magnitude;
        length = i + 2;
        return RespStatus.Complete;
    }
}
