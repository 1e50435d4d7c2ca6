using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using ShardedCache.Testing;

namespace FarmRunner;

/// <summary>Stores entries through the web application, kills a master, and measures until every entry can be read again.</summary>
internal static class FailoverDemonstration
{
    private const int Entries = 10_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly ParallelOptions Requests = new() { MaxDegreeOfParallelism = 32 };

    public static async Task<bool> RunAsync(RedisFarm farm, WebFarmSite site, CancellationToken cancellationToken)
    {
        var keys = Enumerable.Range(0, Entries).Select(i => $"demo:{i}").ToArray();
        await Parallel.ForEachAsync(keys, Requests, async (key, _) =>
        {
            await StoreAsync(site, key, cancellationToken);
        });

        var shardOf = new ConcurrentDictionary<string, string>();
        var unread = await ReadAsync(site, keys, shardOf, cancellationToken);
        if (unread.Count > 0)
        {
            Console.WriteLine($"FAILED: {unread.Count} of {Entries} entries could not be read back.");
            return false;
        }

        Console.WriteLine($"Stored and read back {Entries} entries:");
        foreach (var shard in shardOf.Values.CountBy(name => name).OrderBy(count => count.Key))
        {
            Console.WriteLine($"  {shard.Key}: {shard.Value}");
        }

        return await KillAndWaitAsync(farm, site, keys, shardOf, cancellationToken);
    }

    /// <summary>Stores one entry; 503 means that its shard is not there yet, as an application that has just started may find it.</summary>
    private static async Task StoreAsync(WebFarmSite site, string key, CancellationToken cancellationToken)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            using var answer = await site.Http.PutAsync($"entries/{key}", new StringContent(ValueOf(key)), cancellationToken);
            if (answer.IsSuccessStatusCode)
            {
                return;
            }

            if (answer.StatusCode != HttpStatusCode.ServiceUnavailable || waited.Elapsed > Limit)
            {
                throw new HttpRequestException($"PUT entries/{key}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellationToken)}");
            }

            await Task.Delay(100, cancellationToken);
        }
    }

    private static async Task<bool> KillAndWaitAsync(
        RedisFarm farm, WebFarmSite site, string[] keys, ConcurrentDictionary<string, string> shardOf, CancellationToken cancellationToken)
    {
        var shard = farm.Shards[0];
        var master = await shard.GetMasterAsync(cancellationToken);
        await shard.WaitForReplicasAsync(Limit, cancellationToken);
        Console.WriteLine($"Killing the master of {shard.Name}, {master.Host}:{master.Port}, with SIGKILL ...");
        var sinceKill = Stopwatch.StartNew();
        master.Kill();
        var promotion = PromotionAsync(shard, master, sinceKill, cancellationToken);

        // Entries on the killed shard are asked for until each was read; whatever else fails is a loss.
        List<string> waiting = [.. keys.Where(key => shardOf[key] == shard.Name)];
        var others = await ReadAsync(site, [.. keys.Except(waiting)], shardOf, cancellationToken);
        while (waiting.Count > 0 && sinceKill.Elapsed < Limit)
        {
            // One request tells whether the shard is back; the others wait for it.
            waiting = await IsReadableAsync(site, waiting[0], shardOf, cancellationToken)
                ? await ReadAsync(site, waiting, shardOf, cancellationToken)
                : waiting;
            await Task.Delay(20, cancellationToken);
        }

        var readable = sinceKill.Elapsed;
        Console.WriteLine($"Sentinel promoted the replica after {(await promotion).TotalSeconds:0.00} s; all {Entries} entries were read again after {readable.TotalSeconds:0.00} s.");
        if (waiting.Count + others.Count == 0)
        {
            return true;
        }

        Console.WriteLine($"FAILED: {waiting.Count} entries of {shard.Name} and {others.Count} of other shards were lost or not readable within {Limit.TotalSeconds:0} s.");
        return false;
    }

    private static async Task<TimeSpan> PromotionAsync(RedisFarmShard shard, RedisProcess old, Stopwatch sinceKill, CancellationToken cancellationToken)
    {
        await shard.WaitForNewMasterAsync(old, Limit, cancellationToken);
        return sinceKill.Elapsed;
    }

    /// <summary>Returns the keys whose exact value did not come.</summary>
    private static async Task<List<string>> ReadAsync(
        WebFarmSite site, IReadOnlyCollection<string> keys, ConcurrentDictionary<string, string> shardOf, CancellationToken cancellationToken)
    {
        var unread = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(keys, Requests, async (key, _) =>
        {
            if (!await IsReadableAsync(site, key, shardOf, cancellationToken))
            {
                unread.Add(key);
            }
        });
        return [.. unread];
    }

    private static async Task<bool> IsReadableAsync(
        WebFarmSite site, string key, ConcurrentDictionary<string, string> shardOf, CancellationToken cancellationToken)
    {
        using var answer = await site.Http.GetAsync($"entries/{key}", cancellationToken);
        if (answer.StatusCode != HttpStatusCode.OK)
        {
            return false;
        }

        shardOf[key] = answer.Headers.GetValues("X-Shard").Single();
        return await answer.Content.ReadAsStringAsync(cancellationToken) == ValueOf(key);
    }

    private static string ValueOf(string key) => $"value of {key} {new StringBuilder().Insert(0, "äöü-", 20)}";
}
