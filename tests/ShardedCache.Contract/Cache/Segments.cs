using System.Buffers;
using System.Text;

namespace ShardedCache.Contract.Cache;

/// <summary>A sequence of exactly the given segments.</summary>
internal sealed class Segments : ReadOnlySequenceSegment<byte>
{
    private Segments(string text, long runningIndex)
    {
        Memory = Encoding.UTF8.GetBytes(text);
        RunningIndex = runningIndex;
    }

    public static ReadOnlySequence<byte> Of(params string[] texts)
    {
        var first = new Segments(texts[0], 0);
        var last = first;
        foreach (var text in texts.Skip(1))
        {
            var next = new Segments(text, last.RunningIndex + last.Memory.Length);
            last.Next = next;
            last = next;
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }
}
