using System.Buffers;

namespace ShardedCache.Contract.Cache;

/// <summary>Memory that gives no array away: as memory outside the managed heap is.</summary>
internal sealed class HiddenMemory(byte[] content) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => content;

    public override MemoryHandle Pin(int elementIndex = 0) => content.AsMemory(elementIndex).Pin();

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
