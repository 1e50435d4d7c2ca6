using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Cache;

/// <summary>Eight shards, a replica each, three Sentinels: the size that the product is made for.</summary>
public sealed class WholeFarmTests : IAsyncLifetime
{
    private RedisFarm _farm = null!;

    public async ValueTask InitializeAsync() =>
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 8 }, TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => _farm.DisposeAsync();

    [Fact]
    public async Task Entries_of_one_process_are_read_by_another_that_was_given_the_shards_in_another_order()
    {
        var sentinels = string.Join(',', _farm.Sentinels.Select(sentinel => $"{sentinel.Host}:{sentinel.Port}"));
        var inOrder = string.Join('|', _farm.Shards.Select(shard => shard.Name));
        var reversed = string.Join('|', _farm.Shards.Select(shard => shard.Name).Reverse());

        var written = await WorkerProcess.RunAsync("write", $"{sentinels},shards={inOrder}", "100000");
        var read = await WorkerProcess.RunAsync("read", $"{sentinels},shards={reversed}", "100000");

        Assert.Equal("100000", written);
        Assert.Equal("100000", read);
        foreach (var shard in _farm.Shards)
        {
            var keys = int.Parse(await shard.InitialMaster.ExecuteAsync("DBSIZE"));
            Assert.InRange(keys, 11_000, 14_000);
        }
    }

    [Fact]
    public async Task Each_master_killed_in_turn_the_same_keys_work_again_within_a_second_of_the_switch()
    {
        var unobserved = new ConcurrentQueue<Exception>();
        EventHandler<UnobservedTaskExceptionEventArgs> observe = (_, args) => unobserved.Enqueue(args.Exception);
        TaskScheduler.UnobservedTaskException += observe;
        await using var host = new CacheHost(_farm.ConnectionString);
        var keys = Enumerable.Range(0, 800).Select(i => $"survivor-{i}").ToArray();
        await host.Cache.SetManyAsync(
            [.. keys.Select(key => KeyValuePair.Create(key, Encoding.UTF8.GetBytes(key)))], new DistributedCacheEntryOptions(), TestContext.Current.CancellationToken);

        foreach (var shard in _farm.Shards)
        {
            await shard.WaitForReplicasAsync(cancellationToken: TestContext.Current.CancellationToken);
            var (switched, old) = (SwitchAsync(shard), shard.InitialMaster);
            old.Kill();
            var atSwitch = await switched;

            var values = await Eventually.AnswersAsync(() => host.Cache.GetManyAsync(keys, TestContext.Current.CancellationToken));
            var gap = Stopwatch.GetElapsedTime(atSwitch);

            Assert.Equal(keys, values.Select(value => Encoding.UTF8.GetString(value!)));
            await host.Cache.SetAsync(host.KeyOn(shard.Name), "written after the switch"u8.ToArray(), new DistributedCacheEntryOptions(), TestContext.Current.CancellationToken);
            Assert.True(gap < TimeSpan.FromSeconds(1), $"{shard.Name} was usable {gap.TotalMilliseconds:0} ms after the switch.");
            TestContext.Current.TestOutputHelper?.WriteLine($"{shard.Name}: usable {gap.TotalMilliseconds:0} ms after the switch");
        }

        await AssertOneConnectionEachAsync();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException -= observe;
        Assert.Empty(unobserved);
    }

    /// <summary>The moment at which the first Sentinel names another master: it says +switch-master at that same moment.</summary>
    private async Task<long> SwitchAsync(RedisFarmShard shard)
    {
        var old = shard.InitialMaster.Port.ToString();
        var moment = 0L;
        await Eventually.HoldsAsync(
            async () =>
            {
                var answers = await Task.WhenAll(_farm.Sentinels.Select(sentinel => sentinel.ExecuteAsync("SENTINEL", "GET-MASTER-ADDR-BY-NAME", shard.Name)));
                moment = Stopwatch.GetTimestamp();
                return answers.Any(answer => !answer.Contains(old, StringComparison.Ordinal));
            },
            $"a Sentinel names another master of {shard.Name}");
        return moment;
    }

    /// <summary>Each server that lives has exactly one connection of the cache: nothing leaks over a failover.</summary>
    private async Task AssertOneConnectionEachAsync()
    {
        foreach (var shard in _farm.Shards)
        {
            var master = await shard.GetMasterAsync(TestContext.Current.CancellationToken);
            await Eventually.HoldsAsync(
                async () =>
                {
                    var clients = await master.ExecuteAsync("CLIENT", "LIST");
                    return clients.Split('\n').Count(line => line.Contains("name=ShardedCache", StringComparison.Ordinal)) == 1;
                },
                $"{shard.Name} has one connection of the cache");
        }
    }
}
