using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Cache;

/// <summary>What a cache leaves behind on its servers: while it runs one connection to each, and then none.</summary>
public sealed class LifetimeTests : IAsyncLifetime
{
    private const string RuleKey = "__shardedcache:rule";

    private RedisFarm _farm = null!;
    private int _operations;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RedisProcess Master => _farm.Shards[0].InitialMaster;

    public async ValueTask InitializeAsync() =>
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Token);

    public ValueTask DisposeAsync() => _farm.DisposeAsync();

    [Fact]
    public async Task Disposed_while_operations_run_it_ends_every_one_of_them_and_leaves_no_connection()
    {
        await using var host = new CacheHost(_farm.ConnectionString);
        await host.Cache.SetAsync("key", new byte[1000], new DistributedCacheEntryOptions(), Token);
        var callers = Enumerable.Range(0, 32).Select(caller => caller % 2 == 0
            ? Task.Run(() => UseUntilTheEndAsync(() => host.Cache.GetAsync("key", Token)), Token)
            : Task.Factory.StartNew(
                () => UseUntilTheEndAsync(() => Task.FromResult(host.Cache.Get("key"))).Wait(Token), Token, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _operations) > 500, "operations run");

        await host.DisposeAsync();

        await Task.WhenAll(callers).WaitAsync(TimeSpan.FromSeconds(10), Token);
        await Eventually.HoldsAsync(async () => await ConnectionsAsync() == 0, "no connection is left");
    }

    [Fact]
    public async Task A_rule_overwritten_while_the_cache_runs_stops_it_until_it_is_restored_and_leaks_no_connection()
    {
        await using var host = new CacheHost(_farm.ConnectionString);
        await host.Cache.SetAsync("key", [1], new DistributedCacheEntryOptions(), Token);
        var rule = await Master.ExecuteAsync("GET", RuleKey);

        await Master.ExecuteAsync("SET", RuleKey, "version=1\ncurrent=another|one-more\n");
        await Eventually.HoldsAsync(() => host.Log.Lines.Any(static line => line is { EventId: 302, Level: LogLevel.Error }), "the shard is misconfigured");
        var exception = await Assert.ThrowsAsync<ShardUnavailableException>(() => host.Cache.GetAsync("key", Token));
        Assert.Contains("another|one-more", exception.Reason, StringComparison.Ordinal);
        Assert.Contains($"[version 1 over {Master.Host}:{Master.Port}]", exception.Reason, StringComparison.Ordinal);
        await Task.Delay(1500, Token);
        Assert.Single(host.Log.Lines, static line => line.EventId == 302);

        await Master.ExecuteAsync("SET", RuleKey, rule!);

        Assert.Equal([1], await Eventually.AnswersAsync(() => host.Cache.GetAsync("key", Token)));
        await Eventually.HoldsAsync(async () => await ConnectionsAsync() == 1, "one connection is left");
    }

    private async Task UseUntilTheEndAsync(Func<Task> operation)
    {
        try
        {
            while (true)
            {
                Interlocked.Increment(ref _operations);
                await operation();
            }
        }
        catch (Exception e) when (e is ShardUnavailableException or ObjectDisposedException)
        {
            // Either is right: the cache has ended.
        }
    }

    private async Task<int> ConnectionsAsync() =>
        (await Master.ExecuteAsync("CLIENT", "LIST"))!.Split('\n').Count(static line => line.Contains(" name=ShardedCache", StringComparison.Ordinal));
}
