using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Session;

/// <summary>A farm of one shard, and instances of an application that share its sessions.</summary>
internal sealed class SessionFarm : IAsyncDisposable
{
    private readonly DirectoryInfo _keys = Directory.CreateTempSubdirectory("session-keys-");
    private readonly List<SessionSite> _sites = [];

    private SessionFarm(RedisFarm farm) => Farm = farm;

    public RedisFarm Farm { get; }

    public RedisFarmShard Shard => Farm.Shards[0];

    public RedisProcess Master => Shard.InitialMaster;

    public string Keys => _keys.FullName;

    public static async Task<SessionFarm> StartAsync(RedisFarmOptions? options = null)
    {
        options ??= new RedisFarmOptions();
        options.Shards = 1;
        return new SessionFarm(await RedisFarm.StartAsync(options, TestContext.Current.CancellationToken));
    }

    public Task<SessionSite> JoinAsync(Action<ShardedRedisCacheOptions>? cache = null, Action<SessionOptions>? session = null) => JoinAsync(
        services => services
            .AddShardedRedisCache(options =>
            {
                options.Configuration = Farm.ConnectionString;
                cache?.Invoke(options);
            })
            .AddShardedRedisSession(),
        session);

    public async Task<SessionSite> JoinAsync(Action<IServiceCollection> configure, Action<SessionOptions>? session = null)
    {
        var site = await SessionSite.StartAsync(Keys, configure, session);
        _sites.Add(site);
        if (site.Services.GetService<IShardedCache>() is not null)
        {
            await Until.HoldsAsync(() => site.IsUp, "the shard is up");
        }

        return site;
    }

    /// <summary>How often the master has executed a command that clients send.</summary>
    public async Task<IReadOnlyDictionary<string, long>> CountsAsync()
    {
        var lines = (await Master.ExecuteAsync("INFO", "commandstats")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return lines.Where(static line => line.StartsWith("cmdstat_", StringComparison.Ordinal)).ToDictionary(
            static line => line["cmdstat_".Length..line.IndexOf(':', StringComparison.Ordinal)],
            static line => long.Parse(line[(line.IndexOf("calls=", StringComparison.Ordinal) + 6)..line.IndexOf(',', StringComparison.Ordinal)], null));
    }

    /// <summary>The names of all sessions that the master has.</summary>
    public async Task<IReadOnlyList<string>> StoredAsync() =>
        (await Master.ExecuteAsync("KEYS", "*__shardedcache:session:*")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public async ValueTask DisposeAsync()
    {
        foreach (var site in _sites)
        {
            await site.DisposeAsync();
        }

        await Farm.DisposeAsync();
        _keys.Delete(recursive: true);
    }
}
