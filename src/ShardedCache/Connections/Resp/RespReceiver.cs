namespace ShardedCache.Connections.Resp;

/// <summary>
/// The receiving half of a connection: takes what has come, reads frame after frame, and hands each to the operation whose turn
/// it is. One thread at a time.
/// </summary>
internal sealed class RespReceiver(RespLink link, PendingReplies pending, RespSubscriptions subscriptions)
{
    private const int Large = 64 * 1024;

    // Then the other connections have their turn.
    private const int MostInARow = 8;

    [ThreadStatic]
    private static bool _isReading;

    private readonly RespReceiveBuffer _buffer = new();
    private RespScanner _scanner;
    private bool _hasReceived;

    /// <summary>A caller's buffer writer that asks the cache, on the thread that is to bring the answer, would wait for itself.</summary>
    public static void ThrowIfReading()
    {
        if (_isReading)
        {
            throw new InvalidOperationException(
                "A buffer writer is called on the thread that receives: it must not block, and not call the cache and wait for the answer.");
        }
    }

    /// <summary>Whether anything has come since the last call.</summary>
    public bool TakeProgress()
    {
        if (!Volatile.Read(ref _hasReceived))
        {
            return false;
        }

        Volatile.Write(ref _hasReceived, false);
        return true;
    }

    /// <summary>Receives until the connection ends, on a thread of its own; returns why.</summary>
    public ConnectionFault ReceiveAll(RespChain chain)
    {
        while (true)
        {
            try
            {
                if (Take(link.Receive(Free()), chain) is { } fault)
                {
                    return fault;
                }
            }
            finally
            {
                chain.Flush();
            }
        }
    }

    /// <summary>Receives what has come, without waiting. False when nothing has.</summary>
    /// <param name="chain">Takes what was answered.</param>
    /// <param name="fault">Why the connection ends, where it does.</param>
    public bool TryReceive(RespChain chain, out ConnectionFault? fault)
    {
        fault = null;
        if (!link.TryReceive(Free(), out var count))
        {
            return false;
        }

        // Of a large frame more is probably here already, and its end must not wait for another turn.
        fault = Take(count, chain);
        for (var i = 0; i < MostInARow && fault is null && _scanner.Needed > Large && link.TryReceive(Free(), out count); i++)
        {
            fault = Take(count, chain);
        }

        return true;
    }

    /// <summary>After the last call: gives the memory back.</summary>
    public void Release() => _buffer.Release();

    private Span<byte> Free() => _buffer.Free(_scanner.Needed);

    private ConnectionFault? Take(int count, RespChain chain)
    {
        if (count <= 0)
        {
            return new ConnectionFault(ConnectionFaultKind.ClosedByPeer, "The server ended the connection.");
        }

        _buffer.Add(count);
        Volatile.Write(ref _hasReceived, true);
        _isReading = true;
        try
        {
            return TryReadFrames(chain)
                ? null
                : new ConnectionFault(ConnectionFaultKind.Protocol, "The server sent something that is not a reply; the connection was ended.");
        }
        finally
        {
            _isReading = false;
        }
    }

    private bool TryReadFrames(RespChain chain)
    {
        while (true)
        {
            var received = _buffer.Received;
            switch (_scanner.Scan(received, out var token, out var length))
            {
                case RespStatus.Incomplete:
                    return true;
                case RespStatus.Invalid:
                    return false;
            }

            if (!TryAnswer(token, received[..length], chain))
            {
                return false;
            }

            _buffer.Consume(length);
        }
    }

    /// <summary>False for a reply that nobody asked for.</summary>
    private bool TryAnswer(in RespToken token, ReadOnlySpan<byte> frame, RespChain chain)
    {
        var operation = pending.Oldest();
        if (token.Kind == RespKind.Push && !(operation is RespSubscribeOperation && RespSubscriptions.IsConfirmation(token, frame)))
        {
            subscriptions.Publish(token, frame);
            return true;
        }

        if (operation is null)
        {
            return false;
        }

        var isChained = operation.Answer(token, frame);

        // Only now: what throws before it has taken its reply ends with the connection, like all that are pending.
        pending.RemoveOldest();
        if (isChained)
        {
            chain.Add(operation);
        }

        return true;
    }
}
