using System.Runtime.CompilerServices;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// Finds the end of a frame, however deep, in bytes that come bit by bit: it goes on where it stopped, so that no byte is read
/// more than a few times.
/// </summary>
internal struct RespScanner
{
    private int _position;
    private int _depth;
    private int _elements;
    private RespToken _first;
    private Remaining _remaining;

    /// <summary>How many bytes, from the frame's first, are needed at least to get on.</summary>
    public int Needed { get; private set; }

    /// <param name="data">From the frame's first byte; at least what the last call was given.</param>
    /// <param name="first">The frame's first token, when complete.</param>
    /// <param name="length">The frame's length, when complete.</param>
    public RespStatus Scan(ReadOnlySpan<byte> data, out RespToken first, out int length)
    {
        if (_depth == 0)
        {
            var status = RespReader.Read(data, out first);
            length = first.Length;
            Needed = length;
            if (status != RespStatus.Complete || !first.IsAggregate)
            {
                return status;
            }

            _first = first;
            _position = first.Length;
            _remaining[_depth++] = first.Value;
        }

        first = _first;
        var outcome = ScanElements(data);
        length = _position;
        if (outcome == RespStatus.Complete)
        {
            this = default;
        }

        return outcome;
    }

    private RespStatus ScanElements(ReadOnlySpan<byte> data)
    {
        while (_depth > 0)
        {
            if (_remaining[_depth - 1] == 0)
            {
                _depth--;
                continue;
            }

            var status = RespReader.Read(data[_position..], out var token);
            Needed = _position + token.Length;
            if (Needed > RespLimits.LongestArray || data.Length > RespLimits.LongestArray + RespLimits.LongestLine)
            {
                return RespStatus.Invalid;
            }

            if (status != RespStatus.Complete)
            {
                return status;
            }

            _position += token.Length;
            _remaining[_depth - 1]--;
            if (++_elements > RespLimits.MostElements || (token.Kind == RespKind.Push))
            {
                return RespStatus.Invalid;
            }

            if (token.Kind == RespKind.Array)
            {
                if (_depth == RespLimits.DeepestNesting)
                {
                    return RespStatus.Invalid;
                }

                _remaining[_depth++] = token.Value;
            }
        }

        return RespStatus.Complete;
    }

    [InlineArray(RespLimits.DeepestNesting)]
    private struct Remaining
    {
        private long _first;
    }
}
