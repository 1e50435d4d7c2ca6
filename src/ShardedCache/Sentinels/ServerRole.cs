namespace ShardedCache.Sentinels;

/// <summary>What a server says of itself when asked <c>ROLE</c>.</summary>
internal enum ServerRole : byte
{
    Master,
    Replica,
}
