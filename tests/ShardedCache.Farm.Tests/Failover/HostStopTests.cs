using System.Diagnostics;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ShardedCache.Farm.Tests.Cache;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>An application that is stopped while its shard is down.</summary>
public sealed class HostStopTests : FixedServer
{
    private readonly RecordedLog _log = new();
    [Fact]
    public async Task What_was_written_is_delivered_when_the_shard_returns_within_the_shutdown_time_out()
    {
        using (var application = await StartAsync(TimeSpan.FromSeconds(30)))
        {
            var stopping = application.StopAsync(Token);
            Assert.False(stopping.IsCompleted);
            await Server.StartAsync(Token);
            await stopping;
        }

        Assert.Equal(["1", "2", null], await Outage.StoredAsync(Farm, "a", "b", "removed"));
        Assert.DoesNotContain(_log.Lines, static line => line.EventId == 307);
    }

    [Fact]
    public async Task What_could_not_be_delivered_is_counted_in_one_error_and_the_application_stops_in_time()
    {
        var stopped = Stopwatch.StartNew();
        using (var application = await StartAsync(TimeSpan.FromSeconds(1)))
        {
            stopped.Restart();
            await application.StopAsync(Token);
        }

        Assert.InRange(stopped.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(5));
        var line = Assert.Single(_log.Lines, static line => line.EventId == 307);
        Assert.Equal(LogLevel.Error, line.Level);
        Assert.Contains(" 3 writes", line.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_service_writes_while_it_stops_after_the_cache_is_delivered_too()
    {
        var writer = new LateWriter();
        using (var application = await StartAsync(TimeSpan.FromSeconds(30), services => services.AddSingleton<IHostedService>(provider => writer.Of(provider))))
        {
            var stopping = application.StopAsync(Token);
            await writer.HasWritten.WaitAsync(TimeSpan.FromSeconds(20), Token);
            await Server.StartAsync(Token);
            await stopping;
        }

        Assert.Equal(["1", "late"], await Outage.StoredAsync(Farm, "a", "late"));
    }

    /// <summary>Two writes and a removal wait for the shard.</summary>
    private async Task<IHost> StartAsync(TimeSpan shutdownTimeout, Action<IServiceCollection>? before = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(_log);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = shutdownTimeout);
        before?.Invoke(builder.Services);
        builder.Services.AddShardedRedisCache(options => options.Configuration = Farm.ConnectionString);
        var application = builder.Build();
        await application.StartAsync(Token);
        var cache = application.Services.GetRequiredService<IShardedCache>();
        await cache.SetStringAsync("removed", "old", Token);
        Server.Kill();
        await cache.SetStringAsync("a", "0", Token);
        await cache.SetStringAsync("a", "1", Token);
        await cache.SetStringAsync("b", "2", Token);
        await cache.RemoveAsync("removed", Token);
        await cache.RefreshAsync("refreshed", Token);
        return application;
    }

    /// <summary>Flushes what it holds when its application stops.</summary>
    private sealed class LateWriter : IHostedService
    {
        private readonly TaskCompletionSource _hasWritten = new();
        private IServiceProvider? _services;

        public Task HasWritten => _hasWritten.Task;

        public LateWriter Of(IServiceProvider services)
        {
            _services = services;
            return this;
        }

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            await _services!.GetRequiredService<IShardedCache>().SetStringAsync("late", "late", cancellationToken);
            _hasWritten.SetResult();
        }
    }
}
