using System.Buffers;
using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

internal sealed class GetOperation : EntryOperation
{
    private IBufferWriter<byte>? _destination;

    public static GetOperation Create(IBufferWriter<byte> destination)
    {
        var operation = Pool<GetOperation>.Rent();
        operation._destination = destination;
        return operation;
    }

    protected override Task SendTo(IDatabaseAsync database, bool isReplica) =>
        database.StringGetLeaseAsync(Key, CommandFlags.NoRedirect);

    protected override Reply Read(Task task)
    {
        using var value = ((Task<Lease<byte>?>)task).Result;
        if (value is null)
        {
            return Reply.Nil;
        }

        _destination!.WriteWhole(value.Span);
        return Reply.Ok;
    }

    protected override void Discard(Task task) => ((Task<Lease<byte>?>)task).Result?.Dispose();

    protected override void ReturnToPool(bool payloadIsFree)
    {
        _destination = null;
        Pool<GetOperation>.Return(this);
    }
}
