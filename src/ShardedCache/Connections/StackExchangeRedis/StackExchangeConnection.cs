using System.Buffers;
using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>One multiplexer with one end point and one socket, from its connect to its first failure.</summary>
internal sealed class StackExchangeConnection : IServerConnection, ISweepTarget
{
    private readonly IConnectionMultiplexer _client;
    private readonly IServer _server;
    private readonly string _pingName;
    private readonly ConnectionSocket? _socket;
    private readonly DeadlineSweep _sweep;
    private readonly PendingOperations _pending;
    private readonly SilenceWatch _silence;

    // What to do with the multiplexer in the end: dispose it, or leave it to its owner.
    private readonly Func<IConnectionMultiplexer, Task> _release;
    private readonly TaskCompletionSource<ConnectionFault> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _hasReceived;

    public StackExchangeConnection(
        ServerAddress address,
        ConnectionSettings settings,
        IConnectionMultiplexer client,
        IServer server,
        ConnectionSocket? socket,
        DeadlineSweep sweep,
        Func<IConnectionMultiplexer, Task> release)
    {
        Address = address;
        TimeoutMilliseconds = (int)settings.OperationTimeout.TotalMilliseconds;
        IsReplica = server.IsReplica;
        Database = client.GetDatabase();
        _client = client;
        _pingName = socket is not null && settings.Kind == ServerKind.Redis ? ConnectionProfile.PingAlias : "PING";
        _server = server;
        _socket = socket;
        _sweep = sweep;
        _release = release;
        _pending = new PendingOperations(TimeoutMilliseconds);
        _silence = new SilenceWatch(TimeoutMilliseconds, () => MillisecondsSinceData);
        sweep.Add(this);
        _client.ConnectionFailed += OnConnectionFailed;
    }

    public ServerAddress Address { get; }

    public long ClientId { get; internal set; }

    public Task<ConnectionFault> Closed => _closed.Task;

    public long? MillisecondsSinceData => _socket?.MillisecondsSinceData();

    internal IDatabaseAsync Database { get; }

    /// <summary>What the server called itself at the handshake.</summary>
    internal bool IsReplica { get; }

    internal int TimeoutMilliseconds { get; }

    /// <summary>How many replies are to come.</summary>
    internal int Awaited => _pending.Count;

    public ValueTask<Reply> GetAsync(StoredKey key, IBufferWriter<byte> destination, CallMode mode, CancellationToken cancellationToken) =>
        GetOperation.Create(destination).Start(this, key, mode, cancellationToken);

    public ValueTask<Reply> SetAsync(
        StoredKey key, ReadOnlySpan<byte> header, ReadOnlySequence<byte> payload, TimeSpan timeToLive, CallMode mode, CancellationToken cancellationToken) =>
        SetOperation.Create(header, payload, timeToLive).Start(this, key, mode, cancellationToken);

    public ValueTask<Reply> RunAsync(
        StoredScript script, StoredKey key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments, CallMode mode, CancellationToken cancellationToken) =>
        ScriptOperation.Create(script, arguments).Start(this, key, mode, cancellationToken);

    public IEntryBatch CreateBatch() => new StackExchangeBatch(this, ((IDatabase)Database).CreateBatch());

    public async ValueTask<ControlReply> ExecuteAsync(ReadOnlyMemory<string> command, CancellationToken cancellationToken)
    {
        var name = command.Span[0].Equals("PING", StringComparison.OrdinalIgnoreCase) ? _pingName : command.Span[0];
        object[] arguments = [.. command[1..].ToArray()];
        return await ControlAsync(
            () => _server.ExecuteAsync(name, arguments, CommandFlags.NoRedirect),
            ControlReplies.Of,
            ClientFailure.ToControlReply,
            static outcome => outcome == ReplyKind.TimedOut ? ControlReply.TimedOut : ControlReply.ConnectionLost,
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Reply> SubscribeAsync(string channel, Action<string, string> onMessage, CancellationToken cancellationToken)
    {
        return await ControlAsync(
            () => _client.GetSubscriber().SubscribeAsync(RedisChannel.Literal(channel)),
            queue =>
            {
                queue.OnMessage(message => onMessage(message.Channel.ToString(), message.Message.ToString()));
                return Reply.Ok;
            },
            ClientFailure.ToReply,
            static outcome => new Reply(outcome),
            cancellationToken).ConfigureAwait(false);
    }

    public void Close(ConnectionFault fault)
    {
        if (!_pending.TryEnd())
        {
            return;
        }

        _client.ConnectionFailed -= OnConnectionFailed;
        _sweep.Remove(this);
        _socket?.Abort();
        _closed.TrySetResult(fault);

        // Not on this thread, which may be the sweep's: the client may take long to put itself away.
        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.Release(), this, preferLocal: false);
    }

    public async ValueTask DisposeAsync()
    {
        Close(new ConnectionFault(ConnectionFaultKind.ClosedByUs, "The connection was disposed."));
        await _released.Task.ConfigureAwait(false);
    }

    public void Sweep(long now)
    {
        if (Volatile.Read(ref _hasReceived))
        {
            Volatile.Write(ref _hasReceived, false);
            _silence.Received(now);
        }

        if (_pending.Expire(now) is { } oldest && _silence.IsSilent(oldest, now))
        {
            Close(new ConnectionFault(ConnectionFaultKind.Silent, $"{Address} has sent nothing for {TimeoutMilliseconds} ms while a reply was awaited."));
        }
    }

    public bool IsIdle => _pending.IsEmpty;

    internal bool TryTrack(PendingOperation operation)
    {
        var isTracked = _pending.TryAdd(operation);
        _sweep.Wake();
        return isTracked;
    }

    internal void Untrack(PendingOperation operation, bool isAnswered)
    {
        _pending.Remove(operation);
        if (isAnswered && !Volatile.Read(ref _hasReceived))
        {
            Volatile.Write(ref _hasReceived, true);
        }
    }

    internal void OnClientFailure(Exception failure)
    {
        if (ClientFailure.ToFault(failure) is { } fault)
        {
            Close(fault);
        }
    }

    internal void Send(IBatch batch, List<EntryOperation> operations)
    {
        foreach (var operation in operations)
        {
            if (!TryTrack(operation) && operation.TryClaim())
            {
                operation.Abandon(ReplyKind.ConnectionLost);
            }
        }

        try
        {
            batch.Execute();
        }
        catch (Exception e) when (e is RedisException or ObjectDisposedException)
        {
            OnClientFailure(e);
        }
    }

    private async Task<TReply> ControlAsync<TResult, TReply>(
        Func<Task<TResult>> send, Func<TResult, TReply> read, Func<Exception, TReply> fail, Func<ReplyKind, TReply> abandon, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var operation = new ControlOperation<TReply>(abandon);
        if (!TryTrack(operation))
        {
            return abandon(ReplyKind.ConnectionLost);
        }

        _ = RelayAsync();
        var registration = cancellationToken.UnsafeRegister(static (state, token) => ((ControlOperation<TReply>)state!).Cancel(token), operation);
        await using (registration.ConfigureAwait(false))
        {
            return await operation.Reply.ConfigureAwait(false);
        }

        async Task RelayAsync()
        {
            TReply reply;
            var isAnswered = true;
            try
            {
                reply = read(await send().ConfigureAwait(false));
            }
#pragma warning disable CA1031 // Every failure of the client becomes a reply.
            catch (Exception e)
#pragma warning restore CA1031
            {
                reply = fail(e);
                isAnswered = e is RedisServerException;
                OnClientFailure(e);
            }

            Untrack(operation, isAnswered);
            operation.Complete(reply);
        }
    }

    private void OnConnectionFailed(object? sender, ConnectionFailedEventArgs failure)
    {
        if (Equals(failure.EndPoint, _server.EndPoint))
        {
            Close(ClientFailure.ToFault(failure.FailureType));
        }
    }

    private async void Release()
    {
        try
        {
            await _release(_client).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // The connection has ended; how well the client puts itself away changes nothing.
        catch (Exception)
#pragma warning restore CA1031
        {
        }

        _released.TrySetResult();
    }
}
