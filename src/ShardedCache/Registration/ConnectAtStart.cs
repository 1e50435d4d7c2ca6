using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ShardedCache.Registration;

/// <summary>
/// Creates the cache when the host starts, so that its connections are on their way before the first request; does not
/// wait for them, because a shard that is down must not hold up start-up.
/// </summary>
internal sealed class ConnectAtStart(IServiceProvider services, string name) : IHostedLifecycleService
{
    private IShardedCache? _cache;
    private bool _isToldWhenAllHaveStopped;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _isToldWhenAllHaveStopped = true;
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _cache = Cache();
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _isToldWhenAllHaveStopped ? Task.CompletedTask : DrainAsync(cancellationToken);

    /// <summary>Others may have written while they stopped.</summary>
    public Task StoppedAsync(CancellationToken cancellationToken) => DrainAsync(cancellationToken);

    /// <summary>An outage may end within the host's shutdown time-out: what its journal holds is delivered until then.</summary>
    private Task DrainAsync(CancellationToken cancellationToken) =>
        _cache is ShardedRedisCache cache ? cache.DrainAsync(cancellationToken) : Task.CompletedTask;

    private IShardedCache Cache() =>
        name == Options.DefaultName ? services.GetRequiredService<IShardedCache>() : services.GetRequiredKeyedService<IShardedCache>(name);
}
