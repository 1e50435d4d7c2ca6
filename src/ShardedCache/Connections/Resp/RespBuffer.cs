using System.Buffers;
using System.Diagnostics;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// Bytes to be sent, in pooled segments, with what is lent in between: grows without copying, and gives memory back as it is sent.
/// </summary>
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

    /// <summary>The next bytes to send; empty where all are sent, or where the next ones are lent.</summary>
    public ArraySegment<byte> First => _first < _segments.Count ? _segments[_first].Bytes : new(_tail, _tailStart, _tailEnd - _tailStart);

    /// <summary>What is lent behind <see cref="First"/>, which is empty where that comes next.</summary>
    public RespLoan? Loan => FirstLoan ?? (_first + 1 < _segments.Count ? _segments[_first + 1].Loan : null);

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

    /// <summary>Adds so many bytes that are lent. What was written before them and what comes after may share an array.</summary>
    public void Write(RespLoan loan, int count)
    {
        if (_tailEnd > _tailStart)
        {
            _segments.Add(new Segment(_tail, _tailStart, _tailEnd - _tailStart, IsLast: false));
            _tailStart = _tailEnd;
        }

        _segments.Add(new Segment([], 0, count, IsLast: false, loan));
        Length += count;
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
        while (_first < _segments.Count && count > _segments[_first].Length)
        {
            var part = _segments[_first].Length;
            ConsumeFirst(part);
            count -= part;
        }

        ConsumeFirst(count);
    }

    /// <summary>Where the buffer ends now, for <see cref="Truncate"/>.</summary>
    public Position End => new(_segments.Count, _tail, _tailStart, _tailEnd, Length);

    /// <summary>Forgets what was written since, of a buffer from which nothing was consumed since.</summary>
    public void Truncate(Position end)
    {
        var hasTail = _tail == end.Tail;
        for (var i = end.Segments; i < _segments.Count; i++)
        {
            var segment = _segments[i];
            if (segment.IsLast && segment.Array == end.Tail)
            {
                ReturnTail();
                hasTail = true;
                segment = segment with { IsLast = false };
            }

            Free(segment);
        }

        _segments.RemoveRange(end.Segments, _segments.Count - end.Segments);

        // Else it was empty, and has gone: into the pool, or to bytes before it in the same array.
        (_tail, _tailStart, _tailEnd) = hasTail ? (end.Tail, end.TailStart, end.TailEnd) : (_tail, 0, 0);
        Length = end.Length;
    }

    /// <summary>Gives everything back. The buffer is not to be used again.</summary>
    public void Release()
    {
        Seal();
        foreach (var segment in _segments[_first..])
        {
            Free(segment);
        }

        _segments.Clear();
        (_first, Length) = (0, 0);
    }

    private RespLoan? FirstLoan => _first < _segments.Count ? _segments[_first].Loan : null;

    private void ConsumeFirst(int count)
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

        if (segment.IsLast)
        {
            ArrayPool<byte>.Shared.Return(segment.Array);
        }

        if (++_first == _segments.Count)
        {
            _segments.Clear();
            _first = 0;
        }
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
            _segments.Add(new Segment(_tail, _tailStart, _tailEnd - _tailStart, IsLast: true));
        }
        else if (!TryLeaveTail())
        {
            ReturnTail();
        }

        _tail = [];
        _tailStart = _tailEnd = 0;
    }

    /// <summary>Where unsent bytes before a loan stand in the same array, that goes with them.</summary>
    private bool TryLeaveTail()
    {
        for (var i = _segments.Count - 1; i >= _first; i--)
        {
            if (_segments[i].Array == _tail && _tail.Length > 0)
            {
                _segments[i] = _segments[i] with { IsLast = true };
                return true;
            }
        }

        return false;
    }

    private void ReturnTail()
    {
        if (_tail.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_tail);
        }
    }

    private static void Free(in Segment segment)
    {
        segment.Loan?.Drop();
        if (segment.IsLast)
        {
            ArrayPool<byte>.Shared.Return(segment.Array);
        }
    }

    public readonly record struct Position(int Segments, byte[] Tail, int TailStart, int TailEnd, long Length);

    /// <param name="Array">Empty where the bytes are lent.</param>
    /// <param name="Start">Where in it they begin.</param>
    /// <param name="Length">How many they are.</param>
    /// <param name="IsLast">No later segment shares the array.</param>
    /// <param name="Loan">Has the bytes, where they are lent.</param>
    private readonly record struct Segment(byte[] Array, int Start, int Length, bool IsLast, RespLoan? Loan = null)
    {
        public ArraySegment<byte> Bytes => Loan is null ? new(Array, Start, Length) : [];
    }
}
