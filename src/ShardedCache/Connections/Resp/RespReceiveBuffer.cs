using System.Buffers;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// Received bytes, in one piece. It grows to what a large frame needs: at once where that is little, else only as the frame's
/// bytes really come, so that an announced length alone costs nothing.
/// </summary>
internal sealed class RespReceiveBuffer
{
    private const int Usual = 64 * 1024;

    /// <summary>More is made room for only as it comes.</summary>
    public const int Kept = 1024 * 1024;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(Usual);
    private int _start;
    private int _end;

    public ReadOnlySpan<byte> Received => _bytes.AsSpan(_start, _end - _start);

    public int Capacity => _bytes.Length;

    /// <summary>Where the next bytes go; never empty.</summary>
    /// <param name="needed">How many bytes a frame of which some are here needs in all, as far as is known.</param>
    public Span<byte> Free(int needed)
    {
        var length = _end - _start;
        if (needed > _bytes.Length && needed <= Kept)
        {
            Replace(Kept);
        }
        else if (_end == _bytes.Length || needed > _bytes.Length - _start)
        {
            if (length == _bytes.Length)
            {
                Replace((int)Math.Min(2L * length, Array.MaxLength));
            }
            else
            {
                _bytes.AsSpan(_start, length).CopyTo(_bytes);
                (_start, _end) = (0, length);
            }
        }

        return _bytes.AsSpan(_end);
    }

    public void Add(int count) => _end += count;

    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            _start = _end = 0;
            if (_bytes.Length > Kept)
            {
                // Now: a connection that is idle from here on would keep it.
                Replace(Usual);
            }
        }
    }

    public void Release()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _start = _end = 0;
    }

    private void Replace(int size)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(size);
        var received = Received;
        received.CopyTo(bytes);
        (_start, _end) = (0, received.Length);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = bytes;
    }
}
