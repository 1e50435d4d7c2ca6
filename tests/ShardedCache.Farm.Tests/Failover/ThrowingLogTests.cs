using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>An application whose log provider throws at each line.</summary>
public sealed class ThrowingLogTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_failover_is_followed_and_no_caller_sees_an_error_where_nothing_can_be_logged()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1 }, Token);
        var shard = farm.Shards[0];
        await using var services = new ServiceCollection()
            .AddLogging(static logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(new ThrowingLog()))
            .AddShardedRedisCache(options => options.Configuration = farm.ConnectionString)
            .BuildServiceProvider();
        var cache = services.GetRequiredService<IShardedCache>();
        await cache.SetAsync("key", "before"u8.ToArray(), new DistributedCacheEntryOptions(), Token);

        shard.InitialMaster.Kill();
        await cache.SetAsync("key", "during"u8.ToArray(), new DistributedCacheEntryOptions(), Token);
        await shard.WaitForNewMasterAsync(shard.InitialMaster, cancellationToken: Token);

        await Eventually.HoldsAsync(async () => (await Outage.StoredAsync(farm, "key"))[0] == "during", "the new master has what was written in the outage");
        Assert.Equal("during", Encoding.UTF8.GetString((await cache.GetAsync("key", Token))!));
    }

    private sealed class ThrowingLog : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("Nothing can be logged.");

        public void Dispose()
        {
        }
    }
}
