using System.Buffers;
using System.Net.Sockets;

namespace ShardedCache.Connections.Resp;

/// <summary>One socket that speaks RESP3, from its connect to its first failure.</summary>
internal sealed class RespConnection : IServerConnection, ISweepTarget
{
    private readonly DeadlineSweep _sweep;
    private readonly RespPollers _pollers;
    private readonly RespLink _link;
    private readonly RespSender _sender;
    private readonly RespReceiver _receiver;
    private readonly RespSubscriptions _subscriptions = new();
    private readonly PendingReplies _pending = new();
    private readonly RespDeadlines _deadlines;
    private readonly SilenceWatch _silence;
    private readonly int _timeoutMilliseconds;
    private readonly TaskCompletionSource<ConnectionFault> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Exception?> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public RespConnection(ServerAddress address, ConnectionSettings settings, DeadlineSweep sweep, RespPollers pollers)
    {
        Address = address;
        _sweep = sweep;
        _pollers = pollers;
        _timeoutMilliseconds = (int)settings.OperationTimeout.TotalMilliseconds;

        // The kernel's own limit is a second line, behind ours.
        _link = new RespLink(2 * _timeoutMilliseconds);
        _sender = new RespSender(_link, _pending, sweep, new RespPump(), OnFailure);
        _receiver = new RespReceiver(_link, _pending, _subscriptions);
        _deadlines = new RespDeadlines(_pending, _timeoutMilliseconds);
        _silence = new SilenceWatch(_timeoutMilliseconds, _link.MillisecondsSinceData);
    }

    public ServerAddress Address { get; }

    public long ClientId { get; internal set; }

    public long? MillisecondsSinceData => _link.MillisecondsSinceData();

    public Task<ConnectionFault> Closed => _closed.Task;

    public bool IsIdle => Awaited == 0;

    internal bool IsConnected => _link.IsConnected;

    /// <summary>How many replies are awaited, roughly.</summary>
    internal int Awaited => (int)(_pending.End - _pending.Start);

    internal Socket Socket => _link.Socket;

    public ValueTask<Reply> GetAsync(StoredKey key, IBufferWriter<byte> destination, CallMode mode, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<Reply>(cancellationToken)
            : Start(RespEntryOperation.Get(this, destination, mode), new GetCommand(key), mode, cancellationToken);

    public ValueTask<Reply> SetAsync(
        StoredKey key, ReadOnlySpan<byte> header, ReadOnlySequence<byte> payload, TimeSpan timeToLive, CallMode mode, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<Reply>(cancellationToken)
            : Set(RespEntryOperation.Rent(this, mode), key, header, payload, timeToLive, mode, cancellationToken);

    public ValueTask<Reply> RunAsync(
        StoredScript script, StoredKey key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments, CallMode mode, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<Reply>(cancellationToken)
            : Start(RespEntryOperation.Run(this, script, key, arguments, mode, out var command), command, mode, cancellationToken);

    public IEntryBatch CreateBatch() => new RespBatch(this);

    public async ValueTask<ControlReply> ExecuteAsync(ReadOnlyMemory<string> command, CancellationToken cancellationToken)
    {
        var operation = new RespCommandOperation();
        Begin(operation, command, cancellationToken);
        return await operation.ReplyAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Reply> SubscribeAsync(string channel, Action<string, string> onMessage, CancellationToken cancellationToken)
    {
        _subscriptions.Add(channel, onMessage);
        var operation = new RespSubscribeOperation();
        Begin(operation, new[] { "SUBSCRIBE", channel }, cancellationToken);
        return await operation.ReplyAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Close(ConnectionFault fault)
    {
        if (!_sender.TryEnd())
        {
            return;
        }

        _pending.Abandon(_pending.Start, _pending.End, ReplyKind.ConnectionLost);
        _link.Abort();
        _closed.TrySetResult(fault);

        // Last: who adds it looks afterwards whether it is closed.
        _sweep.Remove(this);
    }

    public ValueTask DisposeAsync()
    {
        Close(new ConnectionFault(ConnectionFaultKind.ClosedByUs, "The connection was disposed."));
        return default;
    }

    public void Sweep(long now)
    {
        _sender.TrySend();
        if (_receiver.TakeProgress())
        {
            _silence.Received(now);
        }

        if (_deadlines.Expire(now) is { } oldest && _silence.IsSilent(oldest, now))
        {
            Close(new ConnectionFault(ConnectionFaultKind.Silent, $"{Address} has sent nothing for {_timeoutMilliseconds} ms while a reply was awaited."));
        }
    }

    /// <summary>Connects and begins to receive; null, or why that has failed.</summary>
    internal Task<Exception?> ConnectAsync(BlockingConnect connect, TlsSettings? tls)
    {
        new Thread(() => Run(connect, tls), RespPoller.StackSize) { IsBackground = true, Name = "ShardedCache tls" }.UnsafeStart();
        return _connected.Task;
    }

    /// <summary>Receives what has come, for one thread at a time. False when nothing has.</summary>
    internal bool TryReceive(RespChain chain, out bool isOpen)
    {
        // Another thread may have seen its end first, and have given its buffer back.
        if (_closed.Task.IsCompleted)
        {
            isOpen = false;
            return false;
        }

        var any = false;
        try
        {
            any = _receiver.TryReceive(chain, out var fault);
            if (fault is not null)
            {
                Close(fault);
            }
        }
#pragma warning disable CA1031 // Whatever a server's bytes bring about, it costs their connection and no more.
        catch (Exception e)
#pragma warning restore CA1031
        {
            OnFailure(e);
        }

        isOpen = !_closed.Task.IsCompleted;
        return any;
    }

    /// <summary>Nothing is received any more.</summary>
    internal void EndReceiving()
    {
        _receiver.Release();
        _link.Release();
    }

    /// <summary>From now on deadlines are enforced. Throws when the cache was disposed.</summary>
    internal void EnforceDeadlines()
    {
        _sweep.Add(this);
        if (_closed.Task.IsCompleted)
        {
            _sweep.Remove(this);
        }
    }

    /// <summary>Sends a command once more in another form, for an operation that has a caller already, and keeps its deadline.</summary>
    /// <returns>Why it was not sent; null where it was.</returns>
    internal ReplyKind? SendAgain(RespOperation operation, in EvalCommand command)
    {
        var sequence = operation.Sequence;
        if (_sender.Add(operation, command, mayHoldBack: false) is { } refusal)
        {
            return refusal;
        }

        // Its reply is read by this thread, so it is still in this life.
        _deadlines.SentAgain(sequence, operation.Sequence);
        return null;
    }

    internal ReplyKind? Send(List<RespOperation> operations, RespBuffer commands) => _sender.Add(operations, commands);

    private ValueTask<Reply> Set(
        RespEntryOperation operation,
        in StoredKey key,
        ReadOnlySpan<byte> header,
        in ReadOnlySequence<byte> payload,
        TimeSpan timeToLive,
        CallMode mode,
        CancellationToken cancellationToken)
    {
        // TLS blocks while it sends, and then could not give anything back.
        var loan = _link.IsSecure ? null : operation.Lend(payload);
        return Start(operation, new SetCommand(key, header, payload, timeToLive, loan), mode, cancellationToken);
    }

    private ValueTask<Reply> Start<TCommand>(RespEntryOperation operation, scoped in TCommand command, CallMode mode, CancellationToken cancellationToken)
        where TCommand : IRespCommand, allows ref struct
    {
        if (mode == CallMode.Blocking)
        {
            RespReceiver.ThrowIfReading();
        }

        var reply = operation.Await(cancellationToken);
        try
        {
            return _sender.Add(operation, command, mode == CallMode.Asynchronous) is { } refusal && operation.TryDrop()
                ? new ValueTask<Reply>(new Reply(refusal))
                : reply;
        }
        catch
        {
            operation.LetGo();
            throw;
        }
    }

    private void Begin(RespOperation operation, ReadOnlyMemory<string> command, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();

        // Not held back: the sweep, which sends what is held back for too long, does not know a connection before its handshake is through.
        if (_sender.Add(operation, new TextCommand(command.Span), mayHoldBack: false) is { } refusal && operation.TryClaim())
        {
            operation.Abandon(refusal);
        }
    }

    private void Run(BlockingConnect connect, TlsSettings? tls)
    {
        try
        {
            _link.Connect(connect);
            _link.Secure(tls, Address.Host);
            if (tls is null)
            {
                _pollers.Add(this);
                _connected.SetResult(null);
                return;
            }

            _connected.SetResult(null);
            Close(_receiver.ReceiveAll(_pollers.NewChain()));
        }
#pragma warning disable CA1031 // An application's certificate validation may throw anything, and on this thread it would end the process.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (!_connected.TrySetResult(e))
            {
                OnFailure(e);
            }
        }

        EndReceiving();
    }

    private void OnFailure(Exception failure) => Close(RespLink.IsLoss(failure)
        ? new ConnectionFault(ConnectionFaultKind.ClosedByPeer, "The server or the network ended the connection.")
        : new ConnectionFault(ConnectionFaultKind.Protocol, $"The connection could not be served any further ({failure.GetType().Name}: {failure.Message})"));
}
