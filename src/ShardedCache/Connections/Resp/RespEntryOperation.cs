using System.Buffers;
using System.Threading.Tasks.Sources;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// One entry command on its way. Pooled: it returns when its caller has the reply. One that was abandoned stays with its
/// connection until its reply has come, and is then left to the garbage collector.
/// </summary>
internal sealed class RespEntryOperation : RespOperation, IValueTaskSource<Reply>
{
    private readonly RespArguments _arguments = new();
    private ManualResetValueTaskSourceCore<Reply> _source;
    private Reply _reply;
    private Exception? _failure;
    private RespConnection? _connection;
    private IBufferWriter<byte>? _destination;
    private StoredScript? _script;
    private RespLoan? _loan;
    private CancellationToken _cancellation;
    private CancellationTokenRegistration _registration;
    private bool _isBlocking;
    private bool _isAnswered;
    private bool _isDone;

    public static RespEntryOperation Rent(RespConnection connection, CallMode mode)
    {
        var operation = Pool<RespEntryOperation>.Rent();
        operation._connection = connection;
        operation._isBlocking = mode == CallMode.Blocking;
        return operation;
    }

    public static RespEntryOperation Get(RespConnection connection, IBufferWriter<byte> destination, CallMode mode)
    {
        var operation = Rent(connection, mode);
        operation._destination = destination;
        return operation;
    }

    public static RespEntryOperation Run(
        RespConnection connection, StoredScript script, in StoredKey key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments, CallMode mode, out EvalShaCommand command)
    {
        var operation = Rent(connection, mode);
        operation._script = script;
        operation._arguments.Set(key, arguments);
        command = new EvalShaCommand(script, operation._arguments);
        return operation;
    }

    /// <summary>Lends a payload to its command, where that is worth it.</summary>
    public RespLoan? Lend(in ReadOnlySequence<byte> payload)
    {
        if (!payload.IsSingleSegment || payload.Length < RespLoan.Least)
        {
            return null;
        }

        (_loan ??= new()).Begin(payload.First);
        return _loan;
    }

    /// <summary>To be awaited; before the command is sent.</summary>
    public ValueTask<Reply> Await(CancellationToken cancellationToken)
    {
        _cancellation = cancellationToken;
        _registration = cancellationToken.UnsafeRegister(static operation => ((RespEntryOperation)operation!).Cancel(), this);
        return new ValueTask<Reply>(this, _source.Version);
    }

    /// <summary>Back to the pool: the command was not sent. False when the caller has cancelled, and waits to be told.</summary>
    public bool TryDrop()
    {
        _registration.Dispose();
        if (!TryClaim())
        {
            return false;
        }

        Recycle();
        return true;
    }

    /// <summary>Nobody awaits it, as something has failed while its command was written or sent. It is not used again.</summary>
    public void LetGo()
    {
        _registration.Dispose();
        TryClaim();
        _loan?.GiveBack();
    }

    public override bool Answer(in RespToken token, ReadOnlySpan<byte> frame)
    {
        if (token.Kind == RespKind.Text && _destination is not null)
        {
            return TryTake() && Deliver(token.Body(frame), array: null);
        }

        var reply = ReplyOf(token, frame);
        if (reply.Error == ServerErrorCode.NoScript && _script is { } script)
        {
            _script = null;
            if (_connection!.SendAgain(this, new EvalCommand(script, _arguments)) is not { } refusal)
            {
                return false;
            }

            reply = new Reply(refusal);
        }

        return TryTake() && Finish(reply);
    }

    /// <summary>See <see cref="IWholeValueWriter.HeadBeforeArray"/>.</summary>
    public int? HeadBeforeArray(ReadOnlySpan<byte> begun) => !IsClaimed && _destination is IWholeValueWriter whole ? whole.HeadBeforeArray(begun) : null;

    /// <summary>Takes its reply, a value in two parts, like <see cref="Answer(in RespToken, ReadOnlySpan{byte})"/>.</summary>
    public bool Answer(ReadOnlySpan<byte> head, byte[] array) => TryTake() && Deliver(head, array);

    public override void Abandon(ReplyKind outcome)
    {
        _reply = new Reply(outcome);
        FinishElsewhere();
    }

    public override void Complete()
    {
        if (_failure is { } failure)
        {
            _source.SetException(failure);
        }
        else
        {
            _source.SetResult(_reply);
        }
    }

    Reply IValueTaskSource<Reply>.GetResult(short token)
    {
        if (_isBlocking)
        {
            WaitUntilDone();
            Complete();
        }

        // Waits for a callback that is running, so that no late cancellation meets the operation's next life.
        _registration.Dispose();
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            if (_isAnswered)
            {
                Recycle();
            }
        }
    }

    ValueTaskSourceStatus IValueTaskSource<Reply>.GetStatus(short token) =>
        _isBlocking ? ValueTaskSourceStatus.Succeeded : _source.GetStatus(token);

    void IValueTaskSource<Reply>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private static Reply ReplyOf(in RespToken token, ReadOnlySpan<byte> frame) => token.Kind switch
    {
        RespKind.Integer => new Reply(ReplyKind.Ok, token.Value),
        RespKind.Nil => Reply.Nil,
        RespKind.Error => RespReplies.Error(token.Body(frame)),
        _ => Reply.Ok,
    };

    private bool Deliver(ReadOnlySpan<byte> value, byte[]? array)
    {
        try
        {
            if (array is null)
            {
                _destination!.WriteWhole(value);
            }
            else
            {
                ((IWholeValueWriter)_destination!).WriteWhole(value, array);
            }
        }
#pragma warning disable CA1031 // The caller's buffer writer has thrown: that is the caller's to see.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = e;
        }

        return Finish(Reply.Ok);
    }

    private bool TryTake()
    {
        if (!TryClaim())
        {
            return false;
        }

        // A server may answer before it has been sent everything.
        _loan?.GiveBack();
        return _isAnswered = true;
    }

    /// <summary>True when a pool thread must now complete it.</summary>
    private bool Finish(Reply reply)
    {
        _reply = reply;
        if (_isBlocking)
        {
            Wake();
            return false;
        }

        return true;
    }

    private void FinishElsewhere()
    {
        _loan?.GiveBack();
        if (_isBlocking)
        {
            Wake();
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private void Cancel()
    {
        if (TryClaim())
        {
            _failure = new OperationCanceledException(_cancellation);
            FinishElsewhere();
        }
    }

    private void WaitUntilDone()
    {
        lock (this)
        {
            while (!_isDone)
            {
                Monitor.Wait(this);
            }
        }
    }

    // The caller's thread itself waits: no thread of the pool is needed.
    private void Wake()
    {
        lock (this)
        {
            _isDone = true;
            Monitor.Pulse(this);
        }
    }

    private void Recycle()
    {
        if (_loan is { IsOver: false })
        {
            // Its copy may have yet to be sent.
            _loan = null;
        }

        _source.Reset();
        _arguments.Clear();
        (_reply, _failure) = (default, null);
        (_connection, _destination, _script) = (null, null, null);
        (_cancellation, _registration) = (default, default);
        (_isBlocking, _isAnswered, _isDone) = (false, false, false);
        BeginNextLife();
        Pool<RespEntryOperation>.Return(this);
    }
}
