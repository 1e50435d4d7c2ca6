using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>What tests on one server without Sentinels share.</summary>
public abstract class FixedServer : IAsyncLifetime
{
    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected RedisFarm Farm { get; private set; } = null!;

    private protected RedisProcess Server => Farm.Shards[0].InitialMaster;

    public async ValueTask InitializeAsync() => Farm = await Outage.OneFixedServerAsync();

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Farm.DisposeAsync();
    }
}
