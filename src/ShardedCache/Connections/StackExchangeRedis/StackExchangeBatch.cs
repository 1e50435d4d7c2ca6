using System.Buffers;
using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

internal sealed class StackExchangeBatch(StackExchangeConnection connection, IBatch batch) : IEntryBatch
{
    private readonly List<EntryOperation> _operations = [];
    private bool _sent;

    public ValueTask<Reply> GetAsync(StoredKey key, IBufferWriter<byte> destination, CallMode mode, CancellationToken cancellationToken) =>
        Queue(GetOperation.Create(destination), key, cancellationToken);

    public ValueTask<Reply> SetAsync(
        StoredKey key, ReadOnlySpan<byte> header, ReadOnlySequence<byte> payload, TimeSpan timeToLive, CallMode mode, CancellationToken cancellationToken) =>
        Queue(SetOperation.Create(header, payload, timeToLive), key, cancellationToken);

    public ValueTask<Reply> RunAsync(
        StoredScript script, StoredKey key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments, CallMode mode, CancellationToken cancellationToken) =>
        Queue(ScriptOperation.Create(script, arguments), key, cancellationToken);

    public void Send()
    {
        ObjectDisposedException.ThrowIf(_sent, this);
        _sent = true;
        connection.Send(batch, _operations);
    }

    private ValueTask<Reply> Queue(EntryOperation operation, StoredKey key, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_sent, this);
        _operations.Add(operation);
        return operation.Queue(connection, batch, key, cancellationToken);
    }
}
