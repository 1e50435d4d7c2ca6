using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using ShardedCache.Diagnostics;

namespace ShardedCache.AspNetCore.HealthChecks;

/// <summary>Tells a cache's status as a health check's result.</summary>
/// <param name="resolve">
/// Gives the cache. Not before the check runs: what is missing or wrongly configured is then its result, and no exception of the endpoint.
/// </param>
internal sealed class ShardedRedisCacheHealthCheck(Func<IShardedCache?> resolve) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Check(context.Registration.FailureStatus));

    private HealthCheckResult Check(HealthStatus failureStatus)
    {
        IShardedCache? cache;
        try
        {
            cache = resolve();
        }
        catch (OptionsValidationException exception)
        {
            return new HealthCheckResult(failureStatus, exception.Message);
        }

        return cache switch
        {
            null => new HealthCheckResult(failureStatus, "No cache is registered: call AddShardedRedisCache or, for a key, AddKeyedShardedRedisCache."),
            IStatusSource source => StatusHealth.Of(source.Status, failureStatus),
            _ => new HealthCheckResult(failureStatus, $"The registered cache is a {cache.GetType()}, whose status is not known."),
        };
    }
}
