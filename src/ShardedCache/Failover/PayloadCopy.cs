using System.Buffers;

namespace ShardedCache.Failover;

/// <summary>
/// A copy of a payload in rented memory, because callers recycle theirs. One entry owns it and gives it back; whoever reads it does
/// so under the lock of the entry's stripe.
/// </summary>
internal sealed class PayloadCopy
{
    private readonly bool _isPooled = true;
    private byte[] _bytes;

    private PayloadCopy(int length)
    {
        _bytes = length == 0 ? [] : PayloadPool.Rent(length);
        Length = length;
    }

    private PayloadCopy(byte[] bytes) => (_bytes, Length, _isPooled) = (bytes, bytes.Length, false);

    public int Length { get; private set; }

    /// <summary>Of a copy made by <see cref="Around"/>, for good: nobody recycles that.</summary>
    public ReadOnlyMemory<byte> Memory => _isPooled ? throw new InvalidOperationException("The memory is rented.") : _bytes.AsMemory(0, Length);

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    /// <summary>Takes over an array that nobody changes any more; a command may still be reading it when the entry is gone.</summary>
    public static PayloadCopy Around(byte[] bytes) => new(bytes);

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

    /// <summary>Once.</summary>
    public void Return()
    {
        if (_isPooled)
        {
            PayloadPool.Return(_bytes);
        }

        (_bytes, Length) = ([], 0);
    }
}
