using System.Buffers;

namespace ShardedCache.Failover;

/// <summary>
/// A copy of a payload in rented memory, because callers recycle theirs. One entry owns it and gives it back, once; whoever reads it
/// does so under the lock of the entry's stripe.
/// </summary>
internal readonly struct PayloadCopy
{
    private readonly byte[] _bytes;

    private PayloadCopy(int length)
    {
        _bytes = length == 0 ? [] : PayloadPool.Rent(length);
        Length = length;
    }

    public int Length { get; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public static PayloadCopy Of(in ReadOnlySequence<byte> payload)
    {
        var copy = new PayloadCopy(checked((int)payload.Length));
        payload.CopyTo(copy._bytes);
        return copy;
    }

    public static PayloadCopy Of(ReadOnlySpan<byte> payload)
    {
        var copy = new PayloadCopy(payload.Length);
        payload.CopyTo(copy._bytes);
        return copy;
    }

    public void Return() => PayloadPool.Return(_bytes, Length);
}
