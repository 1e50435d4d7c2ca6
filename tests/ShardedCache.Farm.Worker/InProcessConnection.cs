using System.Buffers;
using System.Threading.Tasks.Sources;
using ShardedCache.Connections;

namespace ShardedCache.Farm.Worker;

/// <summary>
/// Proof that the seam does not stand in the way of a transport that serves a hit without an allocation: entries of this
/// process, replies that come later from another thread, and operations that live again and again.
/// </summary>
internal sealed class InProcessConnection : IServerConnection
{
    private readonly Dictionary<string, byte[]> _entries = [];
    private readonly Stack<Operation> _free = [];

    public ServerAddress Address => new("in-process", 1);

    public long ClientId => 1;

    public Task<ConnectionFault> Closed { get; } = new TaskCompletionSource<ConnectionFault>().Task;

    public long? MillisecondsSinceData => null;

    public ValueTask<Reply> GetAsync(StoredKey key, IBufferWriter<byte> destination, CallMode mode, CancellationToken cancellationToken)
    {
        if (mode == CallMode.Blocking)
        {
            return new ValueTask<Reply>(Read(key, destination));
        }

        Operation operation;
        lock (_free)
        {
            operation = _free.Count > 0 ? _free.Pop() : new Operation(this);
        }

        return operation.Start(key, destination);
    }

    public ValueTask<Reply> SetAsync(
        StoredKey key, ReadOnlySpan<byte> header, ReadOnlySequence<byte> payload, TimeSpan timeToLive, CallMode mode, CancellationToken cancellationToken)
    {
        _entries[key.Name] = [.. header, .. payload.ToArray()];
        return new ValueTask<Reply>(Reply.Ok);
    }

    public ValueTask<Reply> RunAsync(
        StoredScript script, StoredKey key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments, CallMode mode, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public IEntryBatch CreateBatch() => throw new NotSupportedException();

    public ValueTask<ControlReply> ExecuteAsync(ReadOnlyMemory<string> command, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<Reply> SubscribeAsync(string channel, Action<string, string> onMessage, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public void Close(ConnectionFault fault) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => default;

    private Reply Read(StoredKey key, IBufferWriter<byte> destination)
    {
        if (!_entries.TryGetValue(key.Name, out var value))
        {
            return Reply.Nil;
        }

        destination.Write(value);
        return Reply.Ok;
    }

    private void Return(Operation operation)
    {
        lock (_free)
        {
            _free.Push(operation);
        }
    }

    private sealed class Operation(InProcessConnection connection) : IValueTaskSource<Reply>, IThreadPoolWorkItem
    {
        private ManualResetValueTaskSourceCore<Reply> _reply;
        private StoredKey _key;
        private IBufferWriter<byte>? _destination;

        public ValueTask<Reply> Start(StoredKey key, IBufferWriter<byte> destination)
        {
            _key = key;
            _destination = destination;
            var reply = new ValueTask<Reply>(this, _reply.Version);
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            return reply;
        }

        public void Execute() => _reply.SetResult(connection.Read(_key, _destination!));

        public Reply GetResult(short token)
        {
            var reply = _reply.GetResult(token);
            _reply.Reset();
            connection.Return(this);
            return reply;
        }

        public ValueTaskSourceStatus GetStatus(short token) => _reply.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _reply.OnCompleted(continuation, state, token, flags);
    }
}
