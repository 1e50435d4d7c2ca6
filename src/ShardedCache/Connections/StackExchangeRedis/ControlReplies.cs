using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

internal static class ControlReplies
{
    public static ControlReply Of(RedisResult result)
    {
        if (result.IsNull)
        {
            return new ControlReply(ControlReplyKind.Nil);
        }

        return result.Resp2Type switch
        {
            ResultType.Integer => new ControlReply(ControlReplyKind.Integer) { Integer = (long)result },
            ResultType.Array => new ControlReply(ControlReplyKind.Array) { Items = Array.ConvertAll((RedisResult[])result!, Of) },
            ResultType.Error => ControlReply.FromError(result.ToString()),
            _ => new ControlReply(ControlReplyKind.Text) { Bytes = (byte[])result! },
        };
    }
}
