using System.Buffers;

namespace ShardedCache.Contract.Cache;

/// <summary>A buffer writer that never gives more than it is asked for, and 7 bytes where nothing is asked.</summary>
internal sealed class SmallPieces : IBufferWriter<byte>
{
    private readonly List<byte> _written = [];
    private byte[] _piece = [];

    public byte[] Written => [.. _written];

    public void Advance(int count) => _written.AddRange(_piece.AsSpan(0, count));

    public Memory<byte> GetMemory(int sizeHint = 0) => _piece = new byte[Math.Max(sizeHint, 7)];

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
}
