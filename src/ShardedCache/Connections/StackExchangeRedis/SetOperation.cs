using System.Buffers;
using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>Header and payload are joined in a pooled buffer, which the client reads until its task has ended.</summary>
internal sealed class SetOperation : EntryOperation
{
    // The client refuses to send SET to a server that called itself a replica at the handshake. The server shall refuse it, or
    // accept it when it has been promoted since.
    private const string SetByScript = "return redis.call('SET',KEYS[1],unpack(ARGV))";

    private byte[] _buffer = [];
    private int _length;
    private long? _milliseconds;

    public static SetOperation Create(ReadOnlySpan<byte> header, in ReadOnlySequence<byte> payload, TimeSpan timeToLive)
    {
        var operation = Pool<SetOperation>.Rent();
        var length = checked(header.Length + (int)payload.Length);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        header.CopyTo(buffer);
        payload.CopyTo(buffer.AsSpan(header.Length));
        operation._buffer = buffer;
        operation._length = length;
        operation._milliseconds = timeToLive == Timeout.InfiniteTimeSpan ? null : Math.Max(1, timeToLive.Ticks / TimeSpan.TicksPerMillisecond);
        return operation;
    }

    protected override Task SendTo(IDatabaseAsync database, bool isReplica)
    {
        RedisValue value = _buffer.AsMemory(0, _length);
        if (isReplica)
        {
            RedisValue[] arguments = _milliseconds is { } expiry ? [value, "PX", expiry] : [value];
            return database.ScriptEvaluateAsync(SetByScript, [Key], arguments, CommandFlags.NoRedirect | CommandFlags.NoScriptCache);
        }

        TimeSpan? timeToLive = _milliseconds is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null;
        return database.StringSetAsync(Key, value, timeToLive, When.Always, CommandFlags.NoRedirect);
    }

    protected override Reply Read(Task task) => Reply.Ok;

    protected override void ReturnToPool(bool payloadIsFree)
    {
        if (payloadIsFree)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = [];
        Pool<SetOperation>.Return(this);
    }
}
