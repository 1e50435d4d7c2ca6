using System.Threading.Tasks.Sources;
using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>
/// One entry command on its way: sends it by the client and turns the client's task into a <see cref="Reply"/>. Pooled; it
/// returns to its pool when the caller has its reply and the client's task has ended, too: until then the client may read our
/// buffers, whatever the caller was told.
/// </summary>
internal abstract class EntryOperation : PendingOperation, IValueTaskSource<Reply>
{
    private readonly Action _onClientTaskEnded;
    private ManualResetValueTaskSourceCore<Reply> _reply;
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellation;
    private StackExchangeConnection? _connection;
    private Task? _task;
    private bool _isAnswered;
    private bool _isBlocking;
    private int _users;

    protected EntryOperation() => _onClientTaskEnded = OnClientTaskEnded;

    public sealed override bool HasReply => Volatile.Read(ref _task) is { IsCompleted: true };

    protected RedisKey Key { get; private set; }

    /// <summary>Sends the command at once.</summary>
    public ValueTask<Reply> Start(StackExchangeConnection connection, StoredKey key, CallMode mode, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            Recycle(payloadIsFree: true);
            return ValueTask.FromCanceled<Reply>(cancellationToken);
        }

        Begin(connection, key);
        if (!connection.TryTrack(this))
        {
            Recycle(payloadIsFree: true);
            return new ValueTask<Reply>(Reply.ConnectionLost);
        }

        Send(connection.Database);
        if (mode == CallMode.Asynchronous)
        {
            return Await(cancellationToken);
        }

        (_isBlocking, _cancellation) = (true, cancellationToken);
        return new ValueTask<Reply>(this, _reply.Version);
    }

    /// <summary>Hands the command to the client's batch, which holds it until it is executed. Not tracked yet.</summary>
    public ValueTask<Reply> Queue(StackExchangeConnection connection, IDatabaseAsync batch, StoredKey key, CancellationToken cancellationToken)
    {
        Begin(connection, key);
        Send(batch);
        return Await(cancellationToken);
    }

    public sealed override void Abandon(ReplyKind outcome) => Complete(new Reply(outcome), inline: false);

    Reply IValueTaskSource<Reply>.GetResult(short token) => _isBlocking ? Wait() : TakeReply(token);

    ValueTaskSourceStatus IValueTaskSource<Reply>.GetStatus(short token) =>
        _isBlocking ? ValueTaskSourceStatus.Succeeded : _reply.GetStatus(token);

    void IValueTaskSource<Reply>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _reply.OnCompleted(continuation, state, token, flags);

    protected abstract Task SendTo(IDatabaseAsync database, bool isReplica);

    /// <summary>The command to send in place of one that was refused; null when the refusal is the reply.</summary>
    protected virtual Task? SendInstead(IDatabaseAsync database, string errorText) => null;

    /// <summary>The reply of a task that has ended well. Called once, by the claimer.</summary>
    protected abstract Reply Read(Task task);

    /// <summary>Frees the result of a task that has ended well after its operation was abandoned.</summary>
    protected virtual void Discard(Task task)
    {
    }

    /// <summary>Forgets this life and returns to the pool.</summary>
    /// <param name="payloadIsFree">False when the client may still read what it was given.</param>
    protected abstract void ReturnToPool(bool payloadIsFree);

    private void Begin(StackExchangeConnection connection, StoredKey key)
    {
        _connection = connection;
        _users = 2;
        Key = ((RedisKey)key.Name).Prepend(key.Prefix);
    }

    private void Send(IDatabaseAsync database)
    {
        Task task;
        try
        {
            task = SendTo(database, _connection!.IsReplica);
        }
#pragma warning disable CA1031 // Whatever the client throws instead of returning a task is treated as that task's failure.
        catch (Exception e)
#pragma warning restore CA1031
        {
            task = Task.FromException(e);
        }

        Volatile.Write(ref _task, task);
    }

    private ValueTask<Reply> Await(CancellationToken cancellationToken)
    {
        var reply = new ValueTask<Reply>(this, _reply.Version);
        _cancellation = cancellationToken;
        _registration = cancellationToken.UnsafeRegister(static operation => ((EntryOperation)operation!).Cancel(), this);
        Subscribe(_task!);
        return reply;
    }

    private Reply Wait()
    {
        for (var task = _task; task is not null;)
        {
            if (BlockingWait.For(task, this, _connection!.TimeoutMilliseconds, _cancellation))
            {
                task = Conclude();
            }
            else
            {
                Cancel();
                Subscribe(task);
                break;
            }
        }

        // Whoever has claimed the operation is about to set its reply.
        var spin = default(SpinWait);
        while (_reply.GetStatus(_reply.Version) == ValueTaskSourceStatus.Pending)
        {
            spin.SpinOnce();
        }

        return TakeReply(_reply.Version);
    }

    private void Subscribe(Task task) => task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_onClientTaskEnded);

    private void OnClientTaskEnded()
    {
        if (Conclude() is { } next)
        {
            Subscribe(next);
        }
    }

    /// <summary>Takes over what the client's task has brought; returns a further task when one must be awaited instead.</summary>
    private Task? Conclude()
    {
        var task = _task!;
        var connection = _connection!;
        var failure = task.IsCompletedSuccessfully ? null : ClientFailure.Of(task);
        if (failure is RedisServerException refusal && SendInstead(connection.Database, refusal.Message) is { } next)
        {
            Volatile.Write(ref _task, next);
            return next;
        }

        _isAnswered = failure is null or RedisServerException;
        connection.Untrack(this, _isAnswered);
        if (failure is not null && !_isAnswered)
        {
            connection.OnClientFailure(failure);
        }

        if (TryClaim())
        {
            if (failure is null)
            {
                CompleteWith(task);
            }
            else
            {
                Complete(ClientFailure.ToReply(failure), inline: true);
            }
        }
        else if (failure is null)
        {
            Discard(task);
        }

        Release();
        return null;
    }

    private void CompleteWith(Task task)
    {
        Reply reply;
        try
        {
            reply = Read(task);
        }
#pragma warning disable CA1031 // The caller's buffer writer has thrown: that is the caller's to see.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _reply.RunContinuationsAsynchronously = true;
            _reply.SetException(e);
            return;
        }

        Complete(reply, inline: true);
    }

    // Inline only where the client's own continuation has brought us to the thread pool already.
    private void Complete(Reply reply, bool inline)
    {
        _reply.RunContinuationsAsynchronously = !inline;
        _reply.SetResult(reply);
    }

    private void Cancel()
    {
        if (_cancellation.IsCancellationRequested && TryClaim())
        {
            _reply.RunContinuationsAsynchronously = true;
            _reply.SetException(new OperationCanceledException(_cancellation));
        }
    }

    private Reply TakeReply(short token)
    {
        // Waits for a callback that is running, so that no late cancellation meets the operation's next life.
        _registration.Dispose();
        try
        {
            return _reply.GetResult(token);
        }
        finally
        {
            Release();
        }
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            Recycle(_isAnswered);
        }
    }

    private void Recycle(bool payloadIsFree)
    {
        _reply.Reset();
        _registration = default;
        _cancellation = default;
        _connection = null;
        _task = null;
        _isAnswered = false;
        _isBlocking = false;
        Key = default;
        Unclaim();
        ReturnToPool(payloadIsFree);
    }
}
