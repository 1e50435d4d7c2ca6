using System.Buffers;
using System.Diagnostics;

namespace ShardedCache.Connections.Resp;

/// <summary>Bytes to be sent, in pooled segments: grows without copying, and gives memory back as it is sent.</summary>
internal sealed class RespBuffer
{
    public const int SegmentSize = 64 * 1024;

    private readonly List<Segment> _segments = [];
    private int _first;
    private byte[] _tail = [];
    private int _tailStart;
    private int _tailEnd;

    /// <summary>Bytes written and not yet consumed.</summary>
    public long Length { get; private set; }

    /// <summary>The next bytes to send; empty only when all are.</summary>
    public ReadOnlySpan<byte> First => _first < _segments.Count ? _segments[_first].Bytes : _tail.AsSpan(_tailStart, _tailEnd - _tailStart);

    /// <summary>Room for so many bytes in one piece, to be followed by <see cref="Advance"/>.</summary>
    public Span<byte> Reserve(int count)
    {
        if (_tail.Length - _tailEnd < count)
        {
            NewTail(count);
        }

        return _tail.AsSpan(_tailEnd);
    }

    public void Advance(int count)
    {
        Debug.Assert(count <= _tail.Length - _tailEnd, "Room was reserved before.");
        _tailEnd += count;
        Length += count;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            var part = Math.Min(bytes.Length, _tail.Length - _tailEnd);
            bytes[..part].CopyTo(_tail.AsSpan(_tailEnd));
            Advance(part);
            if (part == bytes.Length)
            {
                return;
            }

            bytes = bytes[part..];
            NewTail(1);
        }
    }

    /// <summary>Takes over what another buffer holds, and leaves it empty.</summary>
    public void TakeOver(RespBuffer other)
    {
        Seal();
        other.Seal();
        _segments.AddRange(other._segments[other._first..]);
        Length += other.Length;
        other._segments.Clear();
        (other._first, other.Length) = (0, 0);
    }

    public void Consume(int count)
    {
        Length -= count;
        if (_first == _segments.Count)
        {
            _tailStart += count;
            if (_tailStart == _tailEnd)
            {
                _tailStart = _tailEnd = 0;
            }

            return;
        }

        var segment = _segments[_first];
        if (count < segment.Length)
        {
            _segments[_first] = segment with { Start = segment.Start + count, Length = segment.Length - count };
            return;
        }

        ArrayPool<byte>.Shared.Return(segment.Array);
        if (++_first == _segments.Count)
        {
            _segments.Clear();
            _first = 0;
        }
    }

    /// <summary>Where the buffer ends now, for <see cref="Truncate"/>.</summary>
    public Position End => new(_segments.Count, _tailStart, _tailEnd, Length);

    /// <summary>Forgets what was written since, of a buffer from which nothing was consumed since.</summary>
    public void Truncate(Position end)
    {
        if (_segments.Count > end.Segments)
        {
            ArrayPool<byte>.Shared.Return(_tail);
            for (var i = _segments.Count - 1; i > end.Segments; i--)
            {
                ArrayPool<byte>.Shared.Return(_segments[i].Array);
            }

            // The segment that was the tail, or an empty place where there was none.
            _tail = _segments[end.Segments].Array;
            _segments.RemoveRange(end.Segments, _segments.Count - end.Segments);
        }

        (_tailStart, _tailEnd, Length) = (end.TailStart, end.TailEnd, end.Length);
    }

    /// <summary>Gives everything back. The buffer is not to be used again.</summary>
    public void Release()
    {
        Seal();
        foreach (var segment in _segments[_first..])
        {
            ArrayPool<byte>.Shared.Return(segment.Array);
        }

        _segments.Clear();
        (_first, Length) = (0, 0);
    }

    private void NewTail(int count)
    {
        Seal();
        _tail = ArrayPool<byte>.Shared.Rent(Math.Max(count, SegmentSize));
    }

    private void Seal()
    {
        if (_tailEnd > _tailStart)
        {
            _segments.Add(new Segment(_tail, _tailStart, _tailEnd - _tailStart));
        }
        else if (_tail.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_tail);
        }

        _tail = [];
        _tailStart = _tailEnd = 0;
    }

    public readonly record struct Position(int Segments, int TailStart, int TailEnd, long Length);

    private readonly record struct Segment(byte[] Array, int Start, int Length)
    {
        public ReadOnlySpan<byte> Bytes => Array.AsSpan(Start, Length);
    }
}
