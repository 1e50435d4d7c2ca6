using System.Buffers;

namespace ShardedCache.Entries;

/// <summary>Collects a payload for a caller who wants an array of exactly its size. Its memory is rented.</summary>
internal sealed class PayloadBuffer : IBufferWriter<byte>
{
    private const int SmallestSize = 1024;

    private byte[] _bytes = [];
    private int _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _bytes.Length - _length);
        _length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var needed = Math.Max(sizeHint, 1);
        if (_bytes.Length - _length < needed)
        {
            var doubled = (int)Math.Clamp(_length * 2L, SmallestSize, Array.MaxLength);
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(_length + needed), doubled));
            Written.CopyTo(larger);
            ReturnRented();
            _bytes = larger;
        }

        return _bytes.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Drops what was collected and gives the rented memory back.</summary>
    public void Clear()
    {
        ReturnRented();
        _bytes = [];
        _length = 0;
    }

    private void ReturnRented()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }
    }
}
