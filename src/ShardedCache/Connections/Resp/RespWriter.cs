using System.Buffers.Text;
using System.Text;

namespace ShardedCache.Connections.Resp;

/// <summary>Writes commands as RESP into memory that has room for them.</summary>
internal ref struct RespWriter(Span<byte> destination)
{
    /// <summary>The most that the head of a text or an array takes: a marker, ten digits, the line's end.</summary>
    public const int LongestHead = 13;

    private const int LongestInteger = 20;

    private readonly Span<byte> _destination = destination;

    public int Written { get; private set; }

    /// <summary>Room for a text of so many bytes, at least.</summary>
    public static int RoomFor(int length) => LongestHead + length + 2;

    public static int RoomForInteger() => RoomFor(LongestInteger);

    public static int LengthOf(in StoredKey key) => key.Prefix.Length + Encoding.UTF8.GetByteCount(key.Name);

    public void Raw(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_destination[Written..]);
        Written += bytes.Length;
    }

    public void ArrayHead(int count) => Head((byte)'*', count);

    public void TextHead(int length) => Head((byte)'$', length);

    public void Text(scoped ReadOnlySpan<byte> text)
    {
        TextHead(text.Length);
        Raw(text);
        EndLine();
    }

    /// <param name="text">Characters.</param>
    /// <param name="length">Their number of bytes in UTF-8.</param>
    public void Text(string text, int length)
    {
        TextHead(length);
        Written += Encoding.UTF8.GetBytes(text, _destination[Written..]);
        EndLine();
    }

    public void Key(in StoredKey key, int length)
    {
        TextHead(length);
        Raw(key.Prefix);
        Written += Encoding.UTF8.GetBytes(key.Name, _destination[Written..]);
        EndLine();
    }

    /// <summary>An integer as a text: commands have no other arguments.</summary>
    public void Integer(long value)
    {
        Span<byte> digits = stackalloc byte[LongestInteger];
        Utf8Formatter.TryFormat(value, digits, out var count);
        Text(digits[..count]);
    }

    public void EndLine()
    {
        _destination[Written] = (byte)'\r';
        _destination[Written + 1] = (byte)'\n';
        Written += 2;
    }

    private void Head(byte marker, int number)
    {
        var destination = _destination[Written..];
        destination[0] = marker;
        int count;
        if ((uint)number < 10)
        {
            destination[1] = (byte)('0' + number);
            count = 1;
        }
        else
        {
            Utf8Formatter.TryFormat(number, destination[1..], out count);
        }

        destination[count + 1] = (byte)'\r';
        destination[count + 2] = (byte)'\n';
        Written += count + 3;
    }
}
