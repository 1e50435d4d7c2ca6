using ShardedCache.Testing;

namespace ShardedCache.Contract.Connections;

/// <summary>One redis-server for the tests of a class, which leave it as they found it.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    private RedisFarm? _farm;

    public RedisProcess Server => _farm!.Shards[0].InitialMaster;

    public async ValueTask InitializeAsync() =>
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 });

    public ValueTask DisposeAsync() => _farm?.DisposeAsync() ?? default;
}
