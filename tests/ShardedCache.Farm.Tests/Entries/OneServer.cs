using ShardedCache.Testing;
using StackExchange.Redis;

namespace ShardedCache.Farm.Tests.Entries;

/// <summary>One redis-server, and a client that sends binary script arguments.</summary>
public sealed class OneServer : IAsyncLifetime
{
    private RedisFarm? _farm;
    private ConnectionMultiplexer? _client;

    public IDatabase Database => _client!.GetDatabase();

    public RedisProcess Process => _farm!.Shards[0].InitialMaster;

    public async ValueTask InitializeAsync()
    {
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 });
        _client = await ConnectionMultiplexer.ConnectAsync(_farm.Shards[0].InitialMaster.EndPoint + ",allowAdmin=true");
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DisposeAsync();
        }

        if (_farm is not null)
        {
            await _farm.DisposeAsync();
        }
    }
}
