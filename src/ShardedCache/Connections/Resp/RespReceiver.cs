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

    // An announced length alone must not cost anything.
    private const int MostAhead = 4;

    [ThreadStatic]
    private static bool _isReading;

    private readonly RespReceiveBuffer _buffer = new();
    private readonly RespDirectText _direct = new();
    private RespScanner _scanner;
    private bool _hasReceived;

    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

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
        for (var i = 0; i < MostInARow && fault is null && (_direct.IsBegun || _scanner.Needed > Large) && link.TryReceive(Free(), out count); i++)
        {
            fault = Take(count, chain);
        }

        return true;
    }

    /// <summary>After the last call: gives the memory back.</summary>
    public void Release()
    {
        _buffer.Release();
        _direct.Drop();
    }

    private Span<byte> Free() =>
        !_direct.IsBegun ? _buffer.Free(_scanner.Needed)
        : _direct.IsFull ? _buffer.Free(0)[..RespDirectText.EndAndNextHead]
        : _direct.Free;

    private ConnectionFault? Take(int count, RespChain chain)
    {
        if (count <= 0)
        {
            return new ConnectionFault(ConnectionFaultKind.ClosedByPeer, "The server ended the connection.");
        }

        if (_direct is { IsBegun: true, IsFull: false })
        {
            _direct.Add(count);
        }
        else
        {
            _buffer.Add(count);
        }

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
            if (_direct.IsBegun)
            {
                if (!_direct.IsFull || received.Length < LineEnd.Length)
                {
                    return true;
                }

                if (!received.StartsWith(LineEnd))
                {
                    return false;
                }

                _buffer.Consume(LineEnd.Length);
                Answered(_direct.Answer(out var operation), operation, chain);
                continue;
            }

            switch (_scanner.Scan(received, out var token, out var length))
            {
                case RespStatus.Incomplete:
                    BeginDirect(token, received);
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

        Answered(operation.Answer(token, frame), operation, chain);
        return true;
    }

    /// <summary>Only after its answer: what throws before it has taken its reply ends with the connection, like all that are pending.</summary>
    private void Answered(bool isChained, RespOperation operation, RespChain chain)
    {
        pending.RemoveOldest();
        if (isChained)
        {
            chain.Add(operation);
        }
    }

    /// <summary>Of a large text that is to become an array, what has not come yet need not be copied there.</summary>
    private void BeginDirect(in RespToken token, ReadOnlySpan<byte> received)
    {
        if (token.Kind == RespKind.Text
            && token.Length >= Large
            && token.Length <= Math.Max(RespReceiveBuffer.Kept, MostAhead * (long)received.Length)
            && received.Length > token.BodyStart
            && received.Length < token.BodyStart + token.BodyLength
            && pending.Oldest() is RespEntryOperation operation
            && _direct.TryBegin(operation, token.BodyLength, received[token.BodyStart..]))
        {
            _buffer.Consume(received.Length);
            _scanner = default;
        }
    }
}
