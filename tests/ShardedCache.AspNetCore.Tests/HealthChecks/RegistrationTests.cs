using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using ShardedCache.AspNetCore.HealthChecks;

namespace ShardedCache.AspNetCore.Tests.HealthChecks;

/// <summary>How the check is registered, and what it says where there is no farm.</summary>
public sealed class RegistrationTests
{
    private const string Nobody = "127.0.0.1:1,127.0.0.1:2";

    [Fact]
    public async Task Name_failure_status_and_tags_are_the_callers()
    {
        await using var application = await HealthApplication.StartAsync(services => services
            .AddShardedRedisCache(static options => options.Configuration = Nobody)
            .AddHealthChecks().AddShardedRedisCache("cache", HealthStatus.Degraded, ["ready"]).AddShardedRedisCache());

        var report = await application.Services.GetRequiredService<HealthCheckService>()
            .CheckHealthAsync(static check => check.Tags.Contains("ready"), TestContext.Current.CancellationToken);
        var entry = Assert.Single(report.Entries);
        Assert.Equal(("cache", HealthStatus.Degraded), (entry.Key, entry.Value.Status));
        Assert.Equal(HealthStatus.Unhealthy, (await application.CheckAsync()).Entries["sharded-redis"].Status);
    }

    [Fact]
    public async Task A_keyed_cache_has_a_check_of_its_own()
    {
        await using var application = await HealthApplication.StartAsync(
            services =>
            {
                services.AddShardedRedisCache().AddKeyedShardedRedisCache("orders", static options => options.Configuration = Nobody);
                services.AddHealthChecks().AddShardedRedisCache().AddKeyedShardedRedisCache("orders");
            },
            Environments.Development);

        var entries = (await application.CheckAsync()).Entries;
        Assert.Equal(HealthStatus.Healthy, entries["sharded-redis"].Status);
        Assert.Contains("memory", entries["sharded-redis"].Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Unhealthy, entries["sharded-redis:orders"].Status);
        Assert.Contains("127.0.0.1:1", entries["sharded-redis:orders"].Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_cache_it_says_what_to_call()
    {
        await using var application = await HealthApplication.StartAsync(static services => services.AddHealthChecks().AddShardedRedisCache());

        var entry = await application.EntryAsync();

        Assert.Equal(HealthStatus.Unhealthy, entry.Status);
        Assert.Contains("AddShardedRedisCache", entry.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_option_is_unhealthy_where_no_host_has_validated_it()
    {
        await using var services = new ServiceCollection().AddLogging().AddShardedRedisCache(static options => options.Configuration = "a:1,secret=no")
            .AddHealthChecks().AddShardedRedisCache().Services.BuildServiceProvider();

        var report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);

        var entry = report.Entries["sharded-redis"];
        Assert.Equal(HealthStatus.Unhealthy, entry.Status);
        Assert.Contains("'secret'", entry.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_answer_is_there_when_the_call_returns()
    {
        using var services = new ServiceCollection().AddShardedRedisCache(static options => options.Configuration = Nobody).BuildServiceProvider();
        var check = new ShardedRedisCacheHealthCheck(services.GetService<IShardedCache>);
        var context = new HealthCheckContext { Registration = new("cache", check, null, null) };

        for (var i = 0; i < 1000; i++)
        {
            Assert.True(check.CheckHealthAsync(context, CancellationToken.None).IsCompletedSuccessfully);
        }
    }
}
