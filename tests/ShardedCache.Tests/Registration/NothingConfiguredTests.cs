using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace ShardedCache.Tests.Registration;

public class NothingConfiguredTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task In_Development_memory_serves_and_one_warning_says_so()
    {
        var warnings = new RecordedWarnings();
        var builder = Builder("Development");
        builder.Logging.AddProvider(warnings);
        builder.Services.AddShardedRedisCache();
        using var host = builder.Build();
        await host.StartAsync(Cancellation);

        var cache = host.Services.GetRequiredService<IDistributedCache>();
        await cache.SetAsync("key", [1, 2, 3], Cancellation);

        Assert.Equal([1, 2, 3], await cache.GetAsync("key", Cancellation));
        Assert.Equal([1], warnings.Ids);
        await host.StopAsync(Cancellation);
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Staging")]
    public async Task In_any_other_environment_the_host_does_not_start_and_the_error_shows_what_to_configure(string environment)
    {
        var builder = Builder(environment);
        builder.Services.AddShardedRedisCache();
        using var host = builder.Build();

        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Cancellation));

        Assert.Contains("ConnectionStrings:ShardedRedis", error.Message, StringComparison.Ordinal);
        Assert.Contains("10.0.0.1:26379", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_no_environment_is_known_the_first_use_fails()
    {
        using var services = new ServiceCollection().AddShardedRedisCache().BuildServiceProvider();

        Assert.Throws<OptionsValidationException>(services.GetRequiredService<IDistributedCache>);
    }

    [Fact]
    public async Task Time_comes_from_the_container_where_it_has_a_clock()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var builder = Builder("Development");
        builder.Services.AddSingleton<TimeProvider>(time).AddShardedRedisCache();
        using var host = builder.Build();
        var cache = host.Services.GetRequiredService<IDistributedCache>();
        await cache.SetAsync("key", [1], new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(1) }, Cancellation);

        time.Advance(TimeSpan.FromMinutes(59));
        Assert.NotNull(await cache.GetAsync("key", Cancellation));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await cache.GetAsync("key", Cancellation));
    }

    private static HostApplicationBuilder Builder(string environment) =>
        Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = environment });
}
