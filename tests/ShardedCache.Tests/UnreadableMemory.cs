using System.Buffers;

namespace ShardedCache.Tests;

/// <summary>A caller's memory that was given back already.</summary>
internal sealed class UnreadableMemory : MemoryManager<byte>
{
    public override Memory<byte> Memory => CreateMemory(8);

    public override Span<byte> GetSpan() => throw new InvalidOperationException("Given back already.");

    public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
