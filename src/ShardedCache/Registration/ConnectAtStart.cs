using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ShardedCache.Registration;

/// <summary>
/// Creates the cache when the host starts, so that its connections are on their way before the first request; does not
/// wait for them, because a shard that is down must not hold up start-up.
/// </summary>
internal sealed class ConnectAtStart(IServiceProvider services, string name) : IHostedService
{
    private IShardedCache? _cache;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _cache = Cache();
        return Task.CompletedTask;
    }

    /// <summary>An outage may end within the host's shutdown time-out: what its journal holds is delivered until then.</summary>
    public Task StopAsync(CancellationToken cancellationToken) =>
        _cache is ShardedRedisCache cache ? cache.DrainAsync(cancellationToken) : Task.CompletedTask;

    private IShardedCache Cache() =>
        name == Options.DefaultName ? services.GetRequiredService<IShardedCache>() : services.GetRequiredKeyedService<IShardedCache>(name);
}
