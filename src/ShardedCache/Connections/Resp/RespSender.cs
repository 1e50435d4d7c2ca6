namespace ShardedCache.Connections.Resp;

/// <summary>
/// The sending half. Whoever finds nobody sending sends for all, until nothing is left: meanwhile the others only add to the
/// buffer. What the network does not take at once is sent by a thread that may block, so no caller ever does.
/// </summary>
internal sealed class RespSender(RespLink link, PendingReplies pending, DeadlineSweep sweep, RespPump pump, Action<Exception> onFailure)
{
    // A caller sends so often for others, then the thread takes over.
    private const int MostRounds = 16;

    private readonly Lock _gate = new();
    private Action? _sendBlocking;
    private RespBuffer _filling = new();
    private RespBuffer _sending = new();
    private bool _isSending;

    // Who sends also sends what is added meanwhile; but what another thread holds back would only fall apart into many small sends.
    private bool _isSendingMore;
    private bool _hasEnded;

    /// <summary>Who will send what was added, while that is put off.</summary>
    public RespSendScope? HeldBackBy { get; set; }

    /// <summary>Adds a command, and sends it unless others follow at once.</summary>
    /// <returns>Null when the operation is pending now, else its outcome.</returns>
    public ReplyKind? Add<TCommand>(RespOperation operation, scoped in TCommand command, bool mayHoldBack)
        where TCommand : IRespCommand, allows ref struct
    {
        bool sends;
        lock (_gate)
        {
            if (Refusal(1) is { } refusal)
            {
                return refusal;
            }

            // Who was told that it is over may have written something else since.
            if (operation.IsClaimed)
            {
                return ReplyKind.ConnectionLost;
            }

            var end = _filling.End;
            try
            {
                command.WriteTo(_filling);
            }
            catch
            {
                _filling.Truncate(end);
                throw;
            }

            pending.Add(operation);
            sweep.Wake();
            sends = !(mayHoldBack && RespSendScope.TryHoldBack(this)) && TryBegin();
        }

        if (sends)
        {
            SendAll();
        }

        return null;
    }

    /// <summary>Adds commands that were written before, all at once and in their order, and sends them.</summary>
    public ReplyKind? Add(List<RespOperation> operations, RespBuffer commands)
    {
        bool sends;
        lock (_gate)
        {
            if (Refusal(operations.Count) is { } refusal)
            {
                return refusal;
            }

            _filling.TakeOver(commands);
            foreach (var operation in operations)
            {
                pending.Add(operation);
            }

            sweep.Wake();
            sends = TryBegin();
        }

        if (sends)
        {
            SendAll();
        }

        return null;
    }

    /// <summary>Sends what was added and nobody is sending. Never blocks.</summary>
    public void Send()
    {
        bool sends;
        lock (_gate)
        {
            sends = TryBegin();
        }

        if (sends)
        {
            SendAll();
        }
    }

    /// <summary>The same, unless someone is adding: payloads are copied under the lock.</summary>
    public void TrySend()
    {
        if (!_gate.TryEnter())
        {
            return;
        }

        bool sends;
        try
        {
            sends = TryBegin();
        }
        finally
        {
            _gate.Exit();
        }

        if (sends)
        {
            SendAll();
        }
    }

    /// <summary>Refuses whatever comes from now on. False when it has ended before.</summary>
    public bool TryEnd()
    {
        lock (_gate)
        {
            if (_hasEnded)
            {
                return false;
            }

            _hasEnded = true;
            _filling.Release();
            if (!_isSending)
            {
                _sending.Release();
            }
        }

        pump.End();
        return true;
    }

    // The room is made before anything is written: bytes without a place would leave every later reply to the wrong caller.
    private ReplyKind? Refusal(int count) =>
        _hasEnded ? ReplyKind.ConnectionLost
        : _filling.Length + _sending.Length > RespLimits.MostUnsent || !pending.TryMakeRoom(count) ? ReplyKind.TimedOut
        : null;

    /// <summary>Under the lock. Makes this thread the one that sends, when there is something to send.</summary>
    private bool TryBegin()
    {
        if (_isSending || _hasEnded || _filling.Length == 0)
        {
            _isSendingMore |= _isSending;
            return false;
        }

        (_isSending, _isSendingMore) = (true, false);
        (_filling, _sending) = (_sending, _filling);
        return true;
    }

    private void SendAll()
    {
        try
        {
            for (var round = 0; round < MostRounds; round++)
            {
                if (!TrySendBuffer())
                {
                    break;
                }

                if (!GoesOn())
                {
                    return;
                }
            }

            // Here too it may fail: a process may be out of threads.
            pump.Run(_sendBlocking ??= SendBlocking);
        }
#pragma warning disable CA1031 // Whatever it is, nobody sends on this connection any more.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
        }
    }

    private bool TrySendBuffer()
    {
        while (_sending.Length > 0)
        {
            var count = _sending.Loan is { } loan ? loan.Send(link, _sending.First) : link.TrySend(_sending.First);
            if (count == 0)
            {
                return false;
            }

            _sending.Consume(count);
        }

        return true;
    }

    private void SendBlocking()
    {
        try
        {
            do
            {
                while (_sending.Length > 0)
                {
                    if (link.IsSecure)
                    {
                        var part = _sending.First;
                        link.Send(part);
                        _sending.Consume(part.Count);
                    }
                    else if (!TrySendBuffer())
                    {
                        link.WaitToSend();
                    }
                }
            }
            while (GoesOn());
        }
#pragma warning disable CA1031 // Whatever it is, nobody sends on this connection any more.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
        }
    }

    /// <summary>After all was sent: whether more has come meanwhile, for this thread to send.</summary>
    private bool GoesOn()
    {
        lock (_gate)
        {
            _isSending = false;
            if (_hasEnded)
            {
                _sending.Release();
                return false;
            }

            return _isSendingMore && TryBegin();
        }
    }

    private void Fail(Exception failure)
    {
        onFailure(failure);
        GoesOn();
    }
}
