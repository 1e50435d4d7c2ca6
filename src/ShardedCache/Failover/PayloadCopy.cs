using System.Buffers;

namespace ShardedCache.Failover;

/// <summary>
/// A copy of a payload in rented memory, because callers recycle theirs. One entry owns it and gives it back, once; whoever reads it
/// does so under the lock of the entry's stripe.
/// </summary>
internal struct PayloadCopy
{
    private readonly byte[] _bytes;
    private readonly bool _isOurs;

    private PayloadCopy(int length)
    {
        _bytes = length == 0 ? [] : PayloadPool.Rent(length);
        Length = length;
    }

    private PayloadCopy(byte[] bytes) => (_bytes, Length, _isOurs) = (bytes, bytes.Length, true);

    public int Length { get; private set; }

    /// <summary>False for the default.</summary>
    public readonly bool Exists => _bytes is not null;

    /// <summary>Of a copy made by <see cref="Around"/>, for good: nobody recycles that.</summary>
    public readonly ReadOnlyMemory<byte> Memory => _isOurs ? _bytes : throw new InvalidOperationException("The memory is rented.");

    public readonly ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

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

    /// <summary>Becomes the copy of another payload in the same memory, where that has the size for it.</summary>
    public bool TryOverwrite(in ReadOnlySequence<byte> payload)
    {
        var length = checked((int)payload.Length);
        if (_isOurs || !PayloadPool.AreOfOneSize(Length, length))
        {
            return false;
        }

        payload.CopyTo(_bytes);
        Length = length;
        return true;
    }

    public readonly void Prefetch()
    {
        const int begun = 1024;
        ProcessorCache.Prefetch(_bytes, Math.Min(Length, begun));
    }

    public readonly void Return()
    {
        if (!_isOurs)
        {
            PayloadPool.Return(_bytes, Length);
        }
    }
}
