using System.Buffers;
using System.Collections.Concurrent;
using ShardedCache.Connections;

namespace ShardedCache.Tests.Sentinels;

internal sealed class FakeSentinelConnection(
    FakeSentinel sentinel, ServerAddress address, ConnectionSettings settings, TimeProvider time, Action<FakeSentinelConnection> onClosed) : IServerConnection
{
    private readonly TaskCompletionSource<ConnectionFault> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<string, Action<string, string>> _handlers = new();

    public ServerAddress Address => address;

    public long ClientId => 0;

    public Task<ConnectionFault> Closed => _closed.Task;

    public long? MillisecondsSinceData => null;

    public bool IsListening => !_handlers.IsEmpty;

    public async ValueTask<ControlReply> ExecuteAsync(ReadOnlyMemory<string> command, CancellationToken cancellationToken)
    {
        if (_closed.Task.IsCompleted)
        {
            return ControlReply.ConnectionLost;
        }

        if (sentinel.Behaviour != FakeBehaviour.IsStopped)
        {
            // Executed in the order in which they were sent.
            var answer = sentinel.Answer(command.Span);
            await Task.Yield();
            return answer;
        }

        await Task.Delay(settings.OperationTimeout, time, cancellationToken);
        return ControlReply.TimedOut;
    }

    public async ValueTask<Reply> SubscribeAsync(string channel, Action<string, string> onMessage, CancellationToken cancellationToken)
    {
        await Task.Yield();
        if (!sentinel.MaySubscribe)
        {
            return Reply.FromError("NOPERM User app has no permissions to access one of the channels used as arguments");
        }

        _handlers[channel] = onMessage;
        return Reply.Ok;
    }

    public void Receive(string channel, string message)
    {
        if (_handlers.TryGetValue(channel, out var handler))
        {
            handler(channel, message);
        }
    }

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

    public IEntryBatch CreateBatch() => throw new NotSupportedException();

    public ValueTask<Reply> GetAsync(StoredKey key, IBufferWriter<byte> destination, CallMode mode, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<Reply> SetAsync(
        StoredKey key, ReadOnlySpan<byte> header, ReadOnlySequence<byte> payload, TimeSpan timeToLive, CallMode mode, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<Reply> RunAsync(
        StoredScript script, StoredKey key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments, CallMode mode, CancellationToken cancellationToken) =>
        throw new NotSupportedException();
}
