namespace ShardedCache;

/// <summary>By what the cache talks to servers and Sentinels. Everything else is the same over each.</summary>
public enum ShardTransport
{
    /// <summary>The client library StackExchange.Redis.</summary>
    StackExchangeRedis,

    /// <summary>
    /// The cache's own client: RESP3 over one socket per connection. It allocates nothing per operation and costs less CPU, and knows
    /// nothing of <see cref="ShardedRedisCacheOptions.ConfigureStackExchangeRedis"/> and
    /// <see cref="ShardedRedisCacheOptions.ConnectionMultiplexerFactory"/>.
    /// </summary>
    Resp,
}
