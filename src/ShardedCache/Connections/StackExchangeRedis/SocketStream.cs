using System.Net.Sockets;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>
/// What the client's own two threads read and write: a socket that blocks, so that the kernel wakes the reader itself, and a buffer, so
/// that what the writer has in hand goes out in one send.
/// </summary>
internal sealed class SocketStream(Socket socket) : Stream
{
    private const int BufferSize = 64 * 1024;

    // As on our own wire: with fewer callers there is nothing to wait for.
    private const int BusyWith = 8;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferSize);
    private int _buffered;

    /// <summary>How many replies are awaited.</summary>
    public Func<int>? Awaited { get; set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer) => socket.Receive(buffer);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.Length > BufferSize - _buffered)
        {
            Flush();
        }

        if (buffer.Length > BufferSize)
        {
            Send(buffer);
            return;
        }

        buffer.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        var count = _buffered;
        _buffered = 0;
        Send(_buffer.AsSpan(0, count));
        if (Awaited?.Invoke() >= BusyWith)
        {
            // Callers that are about to give the writer something more go first: without them it finds nothing, sleeps, and is woken for each few.
            Thread.Yield();
        }
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            socket.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }
}
