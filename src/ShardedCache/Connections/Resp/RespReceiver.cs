namespace ShardedCache.Connections.Resp;

/// <summary>
/// The receiving half: takes what has come, reads frame after frame, and hands each to the operation whose turn it is. It has a
/// thread of its own, on which no caller's code runs but buffer writers and the handlers of subscriptions.
/// </summary>
internal sealed class RespReceiver(RespLink link, PendingReplies pending, RespSubscriptions subscriptions, RespCompletions completions)
{
    public const int StackSize = 256 * 1024;

    // The first callers go on while the others' replies are still being read.
    private const int LongestChain = 64;

    private readonly RespReceiveBuffer _buffer = new();
    private RespScanner _scanner;
    private RespOperation? _first;
    private RespOperation? _last;
    private int _count;
    private bool _hasReceived;

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

    /// <summary>Receives until the connection ends; returns why.</summary>
    public ConnectionFault Run()
    {
        try
        {
            while (true)
            {
                var count = link.Receive(_buffer.Free(_scanner.Needed));
                if (count <= 0)
                {
                    return new ConnectionFault(ConnectionFaultKind.ClosedByPeer, "The server ended the connection.");
                }

                _buffer.Add(count);
                Volatile.Write(ref _hasReceived, true);
                var isProtocol = TryReadFrames();
                Flush();
                if (!isProtocol)
                {
                    return new ConnectionFault(ConnectionFaultKind.Protocol, "The server sent something that is not a reply; the connection was ended.");
                }
            }
        }
        finally
        {
            _buffer.Release();
        }
    }

    private bool TryReadFrames()
    {
        while (true)
        {
            var received = _buffer.Received;
            if (received.IsEmpty)
            {
                return true;
            }

            switch (_scanner.Scan(received, out var token, out var length))
            {
                case RespStatus.Incomplete:
                    return true;
                case RespStatus.Invalid:
                    return false;
            }

            if (!TryTake(token, received[..length]))
            {
                return false;
            }

            _buffer.Consume(length);
        }
    }

    /// <summary>False for a reply that nobody asked for.</summary>
    private bool TryTake(in RespToken token, ReadOnlySpan<byte> frame)
    {
        var operation = pending.Oldest();
        if (token.Kind == RespKind.Push && !(RespSubscriptions.IsConfirmation(token, frame) && operation is RespSubscribeOperation))
        {
            subscriptions.Publish(token, frame);
            return true;
        }

        if (operation is null)
        {
            return false;
        }

        pending.RemoveOldest();
        if (operation.Answer(token, frame))
        {
            Chain(operation);
        }

        return true;
    }

    private void Chain(RespOperation operation)
    {
        if (_last is null)
        {
            _first = operation;
        }
        else
        {
            _last.Next = operation;
        }

        _last = operation;
        if (++_count == LongestChain)
        {
            Flush();
        }
    }

    private void Flush()
    {
        if (_first is { } first)
        {
            var (last, count) = (_last!, _count);
            (_first, _last, _count) = (null, null, 0);
            completions.Add(first, last, count);
        }
    }
}
