using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Farm.Tests.Cache;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>What the tests of an outage share.</summary>
internal static class Outage
{
    /// <summary>So long that no replica is promoted in a test that does not want it.</summary>
    public static readonly TimeSpan NoPromotion = TimeSpan.FromMinutes(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static Task<RedisFarm> OneFixedServerAsync() =>
        RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Token);

    /// <summary>A cache of one farm of one shard, which is up when this returns.</summary>
    public static async Task<CacheHost> JoinAsync(RedisFarm farm, FailoverMode mode = FailoverMode.LocalTier, Action<ShardedRedisCacheOptions>? configure = null)
    {
        var host = new CacheHost(farm.ConnectionString, options =>
        {
            options.FailoverMode = mode;
            configure?.Invoke(options);
        });
        await IsUpAsync(host);
        return host;
    }

    public static Task IsUpAsync(this CacheHost host) => Eventually.HoldsAsync(() => host.IsUp(), "the shard is up");

    public static Task IsDownAsync(this CacheHost host) => Eventually.HoldsAsync(() => !host.IsUp(), "the shard is not up");

    public static bool IsUp(this CacheHost host) =>
        ((ShardedRedisCache)host.Cache).Status.All(static shard => shard.State == ShardedCache.Shards.ShardState.Up);

    public static long JournalBytes(this CacheHost host) => ((ShardedRedisCache)host.Cache).JournalBytes;

    public static Task SetAsync(this CacheHost host, string key, string value) =>
        host.Cache.SetAsync(key, Encoding.UTF8.GetBytes(value), new DistributedCacheEntryOptions(), Token);

    public static async Task<string?> GetAsync(this CacheHost host, string key) =>
        await host.Cache.GetAsync(key, Token) is { } value ? Encoding.UTF8.GetString(value) : null;

    public static Task SetAsync(this IKeyGroup group, params (string Member, string Value)[] members) => group.SetAsync(
        [.. members.Select(member => KeyValuePair.Create(group.Key(member.Member), Encoding.UTF8.GetBytes(member.Value)))],
        new DistributedCacheEntryOptions(),
        Token);

    /// <summary>What a process reads that knows nothing but what the servers have.</summary>
    public static async Task<string?[]> StoredAsync(RedisFarm farm, params string[] keys)
    {
        await using var stranger = new CacheHost(farm.ConnectionString);
        return await Eventually.AnswersAsync(() => stranger.ReadAsync(keys));
    }

    public static async Task<string?[]> ReadAsync(this CacheHost host, params string[] keys) =>
        [.. (await host.Cache.GetManyAsync(keys, Token)).Select(static value => value is null ? null : Encoding.UTF8.GetString(value))];

    public static async Task ReadsAsync(this CacheHost host, string[] keys, string?[] expected, string what)
    {
        var waited = Stopwatch.StartNew();
        string?[] read;
        do
        {
            read = await host.ReadAsync(keys);
        }
        while (!Enumerable.SequenceEqual(read, expected) && waited.Elapsed < TimeSpan.FromSeconds(20));

        Assert.True(Enumerable.SequenceEqual(read, expected), $"Not within {waited.Elapsed.TotalSeconds:0.0} s: {what}, but {string.Join(", ", read)}");
    }

    /// <summary>
    /// Stops a replica and closes its connection, or else the system's buffers would bring it everything after all when it goes on.
    /// </summary>
    public static async Task CutOffAsync(RedisProcess master, RedisProcess replica)
    {
        replica.Pause();
        await master.ExecuteAsync("CLIENT", "KILL", "TYPE", "replica");
    }
}
