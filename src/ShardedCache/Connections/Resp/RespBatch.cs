using System.Buffers;

namespace ShardedCache.Connections.Resp;

/// <summary>Commands that are written at once and sent together.</summary>
internal sealed class RespBatch(RespConnection connection) : IEntryBatch
{
    private readonly List<RespOperation> _operations = [];
    private readonly RespBuffer _commands = new();
    private bool _isSent;

    public ValueTask<Reply> GetAsync(StoredKey key, IBufferWriter<byte> destination, CallMode mode, CancellationToken cancellationToken) =>
        Queue(RespEntryOperation.Get(connection, destination, CallMode.Asynchronous), new GetCommand(key), cancellationToken);

    public ValueTask<Reply> SetAsync(
        StoredKey key, ReadOnlySpan<byte> header, ReadOnlySequence<byte> payload, TimeSpan timeToLive, CallMode mode, CancellationToken cancellationToken) =>
        Queue(RespEntryOperation.Rent(connection, CallMode.Asynchronous), new SetCommand(key, header, payload, timeToLive), cancellationToken);

    public ValueTask<Reply> RunAsync(
        StoredScript script, StoredKey key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments, CallMode mode, CancellationToken cancellationToken) =>
        Queue(RespEntryOperation.Run(connection, script, key, arguments, CallMode.Asynchronous, out var command), command, cancellationToken);

    public void Send()
    {
        ObjectDisposedException.ThrowIf(_isSent, this);
        _isSent = true;
        if (_operations.Count == 0 || connection.Send(_operations, _commands) is not { } refusal)
        {
            return;
        }

        _commands.Release();
        foreach (var operation in _operations)
        {
            if (operation.TryClaim())
            {
                operation.Abandon(refusal);
            }
        }
    }

    private ValueTask<Reply> Queue<TCommand>(RespEntryOperation operation, scoped in TCommand command, CancellationToken cancellationToken)
        where TCommand : IRespCommand, allows ref struct
    {
        ObjectDisposedException.ThrowIf(_isSent, this);
        command.WriteTo(_commands);
        _operations.Add(operation);
        return operation.Await(cancellationToken);
    }
}
