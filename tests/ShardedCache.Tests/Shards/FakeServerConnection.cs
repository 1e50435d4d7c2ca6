using System.Buffers;
using ShardedCache.Connections;

namespace ShardedCache.Tests.Shards;

internal sealed class FakeServerConnection(
    FakeServer server, long id, TimeSpan operationTimeout, TimeProvider time, Action<FakeServerConnection> onClosed) : IServerConnection, IEntryBatch
{
    private readonly TaskCompletionSource<ConnectionFault> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private long _answeredAt = time.GetTimestamp();

    public ServerAddress Address => server.Address;

    public long ClientId => id;

    public Task<ConnectionFault> Closed => _closed.Task;

    public long? MillisecondsSinceData => (long)time.GetElapsedTime(Volatile.Read(ref _answeredAt)).TotalMilliseconds;

    /// <summary>The entry commands in their order: a script by its name.</summary>
    public List<string> Sent { get; } = [];

    public IEntryBatch CreateBatch() => this;

    public int Batches { get; private set; }

    public void Send() => Batches++;

    public async ValueTask<ControlReply> ExecuteAsync(ReadOnlyMemory<string> command, CancellationToken cancellationToken)
    {
        await Task.Yield();
        if (server.IsStopped)
        {
            server.CommandArrived();
        }

        while (server.IsStopped)
        {
            await Task.Delay(1, cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
        Volatile.Write(ref _answeredAt, time.GetTimestamp());
        return _closed.Task.IsCompleted ? ControlReply.ConnectionLost : server.Execute(command.Span);
    }

    public ValueTask<Reply> GetAsync(StoredKey key, IBufferWriter<byte> destination, CallMode mode, CancellationToken cancellationToken)
    {
        var reply = Take("get", key);
        if (server.Hangs("get"))
        {
            return HangAsync(cancellationToken);
        }

        if (reply.Kind is ReplyKind.Ok or ReplyKind.TimedOut)
        {
            if (!server.Store.TryGetValue(key.Name, out var stored))
            {
                return new(reply.Kind == ReplyKind.Ok ? Reply.Nil : reply);
            }

            // Also before a time-out: a reply may have come in part.
            destination.Write(stored);
        }

        if (server.GetLater() is { } later)
        {
            return new(later);
        }

        return new(reply);
    }

    public ValueTask<Reply> SetAsync(
        StoredKey key, ReadOnlySpan<byte> header, ReadOnlySequence<byte> payload, TimeSpan timeToLive, CallMode mode, CancellationToken cancellationToken)
    {
        var reply = Take("set", key);
        if (server.Hangs("set"))
        {
            return HangAsync(cancellationToken);
        }

        if (server.AnswerLater("set") is { } later)
        {
            return new(later);
        }

        if (reply.Kind == ReplyKind.Ok)
        {
            server.Put(key.Name, [.. header, .. payload.ToArray()], timeToLive < TimeSpan.Zero ? null : (long)timeToLive.TotalMilliseconds);
        }

        return new(reply);
    }

    public ValueTask<Reply> RunAsync(
        StoredScript script, StoredKey key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments, CallMode mode, CancellationToken cancellationToken)
    {
        if (key.Name == "__shardedcache:rule")
        {
            // A new master is made to know the scripts; that writes nothing.
            return new(_closed.Task.IsCompleted ? Reply.ConnectionLost : Reply.Ok);
        }

        var reply = Take(script.Name, key);
        if (server.Hangs(script.Name))
        {
            return HangAsync(cancellationToken);
        }

        if (server.AnswerLater(script.Name) is { } later)
        {
            return new(later);
        }

        return new(reply == Reply.Ok ? reply with { Integer = server.Run(script.Name, key.Name, arguments) } : reply);
    }

    public ValueTask<Reply> SubscribeAsync(string channel, Action<string, string> onMessage, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public void Close(ConnectionFault fault)
    {
        if (_closed.TrySetResult(fault))
        {
            onClosed(this);
        }
    }

    public ValueTask DisposeAsync()
    {
        Close(new ConnectionFault(ConnectionFaultKind.ClosedByUs, "disposed"));
        return ValueTask.CompletedTask;
    }

    private async ValueTask<Reply> HangAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _closed.Task.WaitAsync(operationTimeout, time, cancellationToken);
            return Reply.ConnectionLost;
        }
        catch (TimeoutException)
        {
            return Reply.TimedOut;
        }
    }

    private Reply Take(string command, in StoredKey key)
    {
        server.Sent.Enqueue((id, command, key.Name));
        lock (Sent)
        {
            Sent.Add(command);
        }

        return _closed.Task.IsCompleted ? Reply.ConnectionLost : server.AnswerEntry(command) ?? Reply.Ok;
    }
}
