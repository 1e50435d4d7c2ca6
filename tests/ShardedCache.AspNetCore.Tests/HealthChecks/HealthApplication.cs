using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.HealthChecks;

/// <summary>An application that has a cache and asks for its health.</summary>
internal sealed class HealthApplication : IAsyncDisposable
{
    private readonly IHost _host;

    private HealthApplication(IHost host) => _host = host;

    public IServiceProvider Services => _host.Services;

    public IShardedCache Cache => Services.GetRequiredService<IShardedCache>();

    public static Task<HealthApplication> StartAsync(RedisFarm farm, Action<ShardedRedisCacheOptions>? configure = null) => StartAsync(farm.ConnectionString, configure);

    public static Task<HealthApplication> StartAsync(string connectionString, Action<ShardedRedisCacheOptions>? configure = null) => StartAsync(services =>
    {
        services.AddShardedRedisCache(options =>
        {
            options.Configuration = connectionString;
            configure?.Invoke(options);
        });
        services.AddHealthChecks().AddShardedRedisCache();
    });

    public static async Task<HealthApplication> StartAsync(Action<IServiceCollection> register, string environment = "Production")
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = environment });
        register(builder.Services);
        var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return new HealthApplication(host);
    }

    public Task<HealthReport> CheckAsync() => Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);

    public async Task<HealthReportEntry> EntryAsync() => (await CheckAsync()).Entries.Values.Single();

    /// <summary>Asks again and again, until the answer is as expected.</summary>
    public async Task<HealthReportEntry> BecomesAsync(HealthStatus status, string text = "")
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var entry = await EntryAsync();
            if (entry.Status == status && entry.Description!.Contains(text, StringComparison.Ordinal))
            {
                return entry;
            }

            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(40), $"Not {status} \"{text}\" within {waited.Elapsed.TotalSeconds:0} s, but {entry.Status}: {entry.Description}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _host.StopAsync(now.Token);
        _host.Dispose();
    }
}
