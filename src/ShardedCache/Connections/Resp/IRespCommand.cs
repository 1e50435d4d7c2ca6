namespace ShardedCache.Connections.Resp;

/// <summary>One command with its arguments, which lives for the call that sends it.</summary>
internal interface IRespCommand
{
    void WriteTo(RespBuffer buffer);
}
