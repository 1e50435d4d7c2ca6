using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Eviction;

/// <summary>
/// What the eviction of a tag with a million pages on one shard, and the expiry of such an index, cost the shard's other operations:
/// their p99 meanwhile beside their p99 just before.
/// </summary>
internal static class EvictCommand
{
    private const int Writers = 128;
    private const string Tag = "everything";
    private static readonly TimeSpan Baseline = TimeSpan.FromSeconds(10);
    private static readonly byte[] Page = new byte[200];

    public static async Task<int> RunAsync(int pages)
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, DownAfter = TimeSpan.FromSeconds(5) });
        await using var services = Client(farm);
        await using var others = Client(farm);
        var store = services.GetRequiredService<IOutputCacheStore>();
        using var load = new SteadyLoad(others.GetRequiredService<IDistributedCache>());
        var master = farm.Shards[0].InitialMaster;
        await load.WarmUpAsync();

        await FillAsync(store, pages, [Tag], static _ => TimeSpan.FromHours(1));
        Print($"{pages} pages of {Page.Length} B with one tag on one shard; {await CountAsync(master)} keys, {await MemoryAsync(master)} MiB");
        await PrintAsync("evicting the tag", load, async () =>
        {
            await master.ExecuteAsync("CONFIG", "RESETSTAT");
            var watch = Stopwatch.StartNew();
            await store.EvictByTagAsync(Tag, default);
            Print($"evicted in {watch.Elapsed.TotalSeconds:0.0} s, {await StepsAsync(master)}; {await CountAsync(master)} keys are left");
        });

        await ExpireAsync("the index alone expiring", [Tag], isIndexAlone: true, store, pages, load, master);
        await ExpireAsync("pages without tags expiring", [], isIndexAlone: false, store, pages, load, master);
        await ExpireAsync("pages and their tag's index expiring", [Tag], isIndexAlone: false, store, pages, load, master);
        Print($"{await CountAsync(master)} keys are left, of which the load has {SteadyLoad.Keys} and the sharding rule one");
        return 0;
    }

    private static async Task ExpireAsync(
        string name, string[] tags, bool isIndexAlone, IOutputCacheStore store, int pages, SteadyLoad load, RedisProcess master)
    {
        // Written over a minute or so, expiring within ten seconds of one another.
        var end = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(30 + (pages / 8_000));
        await FillAsync(store, pages, tags, number => end - DateTimeOffset.UtcNow + TimeSpan.FromMilliseconds(number * 10_000L / pages));
        for (var at = 0; isIndexAlone && at < pages; at += 500)
        {
            await master.ExecuteAsync(["UNLINK", .. Enumerable.Range(at, Math.Min(500, pages - at)).Select(static number => $"__shardedcache:page:{Key(number)}")]);
        }

        await Task.Delay(TimeSpan.FromSeconds(Math.Max(0, (end - DateTimeOffset.UtcNow).TotalSeconds - Baseline.TotalSeconds - 2)));
        await PrintAsync(name, load, async () =>
        {
            while (await CountAsync(master) > SteadyLoad.Keys + 10)
            {
                await Task.Delay(200);
            }
        });
    }

    private static async Task PrintAsync(string name, SteadyLoad load, Func<Task> action)
    {
        var before = await load.MeasureAsync(() => Task.Delay(Baseline));
        var during = await load.MeasureAsync(action);
        Print($"{name}: p99 {before.P99:0.00} ms before, {during.P99:0.00} ms meanwhile, ratio {during.P99 / before.P99:0.00}; p50 {before.P50:0.00} and {during.P50:0.00} ms; p999 {before.P999:0.00} and {during.P999:0.00} ms; {during.Count} operations in {during.Duration.TotalSeconds:0.0} s");
    }

    private static async Task FillAsync(IOutputCacheStore store, int pages, string[] tags, Func<int, TimeSpan> life)
    {
        var watch = Stopwatch.StartNew();
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            for (int number; (number = Interlocked.Increment(ref next)) < pages;)
            {
                await store.SetAsync(Key(number), Page, tags, life(number), default);
            }
        })));
        Print($"filled in {watch.Elapsed.TotalSeconds:0} s, {pages / watch.Elapsed.TotalSeconds:0} pages/s");
    }

    private static string Key(int number) => $"GET/products/{number}";

    private static async Task<long> CountAsync(RedisProcess server) => long.Parse(await server.ExecuteAsync("DBSIZE"), CultureInfo.InvariantCulture);

    private static async Task<long> MemoryAsync(RedisProcess server) => (await server.ExecuteAsync("INFO", "memory")).Split('\n')
        .Where(static line => line.StartsWith("used_memory:", StringComparison.Ordinal))
        .Select(static line => long.Parse(line["used_memory:".Length..], CultureInfo.InvariantCulture) / 1048576).Single();

    /// <summary>How many steps there were, and how long one took its server, from the server's own count of script calls.</summary>
    private static async Task<string> StepsAsync(RedisProcess server)
    {
        var counts = (await server.ExecuteAsync("INFO", "commandstats")).Split('\n')
            .Single(static line => line.StartsWith("cmdstat_evalsha:", StringComparison.Ordinal)).Split(':', ',')
            .Select(static part => part.Split('=')).Where(static part => part.Length == 2).ToDictionary(static part => part[0], static part => part[1]);
        return FormattableString.Invariant($"{counts["calls"]} steps of {double.Parse(counts["usec_per_call"], CultureInfo.InvariantCulture) / 1000:0.000} ms");
    }

    private static ServiceProvider Client(RedisFarm farm) => new ServiceCollection()
        .AddShardedRedisCache(options => options.Configuration = farm.ConnectionString)
        .AddShardedRedisOutputCache()
        .BuildServiceProvider();

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
