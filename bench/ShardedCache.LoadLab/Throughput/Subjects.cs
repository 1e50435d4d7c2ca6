using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>The clients under measurement, by name. Only ours knows more than one server.</summary>
internal static class Subjects
{
    public static readonly string[] All =
    [
        "sharded-resp", "sharded", "stackexchange", "stackexchange-2.13", "microsoft", "hybrid", "fusion", "redis-benchmark-p1", "redis-benchmark-p16",
    ];

    private static readonly string[] Ours = ["sharded-resp", "sharded"];

    /// <summary>How many operations of <c>redis-benchmark</c> go together; null where it is not that.</summary>
    public static int? PipelineOf(string name) => name switch { "redis-benchmark-p1" => 1, "redis-benchmark-p16" => 16, _ => null };

    public static bool Serves(string name, int shards) => shards == 1 || Ours.Contains(name);

    public static Task<SubjectProcess> StartAsync(string name, RedisFarm farm)
    {
        var first = farm.Shards[0].InitialMaster;
        var server = string.Create(CultureInfo.InvariantCulture, $"{first.Host}:{first.Port}");
        return name switch
        {
            "sharded" or "sharded-resp" or "stackexchange" =>
                SubjectProcess.StartAsync(name, Path.Combine(AppContext.BaseDirectory, "ShardedCache.LoadLab.dll"), "throughput-worker", name, name == "stackexchange" ? server : farm.ConnectionString),
            "stackexchange-2.13" or "microsoft" or "hybrid" or "fusion" =>
                SubjectProcess.StartAsync(name, Path.Combine(AppContext.BaseDirectory, "peers", "ShardedCache.LoadLab.Peers.dll"), name, server),
            _ => throw new LabException($"There is no subject '{name}'. There are: {string.Join(", ", All)}."),
        };
    }

    /// <summary>The part of a process that <see cref="StartAsync"/> has started.</summary>
    public static async Task<int> RunWorkerAsync(string name, string configuration)
    {
        if (name == "stackexchange")
        {
            return await WorkerLoop.RunAsync(await StackExchangeSubject.ConnectAsync(configuration), name);
        }

        await using var provider = new ServiceCollection()
            .AddShardedRedisCache(options => options.Configuration = configuration + (name == "sharded-resp" ? ",transport=resp" : ""))
            .BuildServiceProvider();
        return await WorkerLoop.RunAsync(new ShardedSubject(provider.GetRequiredService<IShardedCache>()), name);
    }

    private sealed class ShardedSubject(IShardedCache cache) : DistributedCacheSubject(cache)
    {
        public override Task GetManyAsync(string[] keys) => cache.GetManyAsync(keys);
    }
}
