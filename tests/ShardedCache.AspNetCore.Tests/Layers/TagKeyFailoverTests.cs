using System.Buffers.Binary;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ShardedCache.AspNetCore.Tests.HealthChecks;
using ShardedCache.Diagnostics;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Layers;

/// <summary>
/// A layer above keeps the time of a tag's last invalidation as an ordinary entry. A copy of an older one in memory must not be served
/// while a replica has a newer one: pages that were invalidated would come back.
/// </summary>
public sealed class TagKeyFailoverTests
{
    // As HybridCache stores them.
    private static readonly DistributedCacheEntryOptions Long = new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromDays(1000) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, bool> Failures => new()
    {
        { "killed", true },
        { "killed", false },
        { "paused", true },
        { "paused", false },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task From_the_masters_end_until_the_shard_is_up_again_the_newer_time_is_read_and_never_the_copy(string failure, bool isPromoted)
    {
        var options = new RedisFarmOptions { Shards = 1, DownAfter = isPromoted ? TimeSpan.FromSeconds(1) : TimeSpan.FromMinutes(1) };
        await using var farm = await RedisFarm.StartAsync(options, Token);

        // A replica has a tenth of it for the one read that has waited for the master in vain: enough on a machine that is busy.
        await using var reader = await HealthApplication.StartAsync(farm, static options => options.OperationTimeout = TimeSpan.FromSeconds(3));
        await using var writer = await HealthApplication.StartAsync(farm);
        await reader.BecomesAsync(HealthStatus.Healthy);
        await writer.BecomesAsync(HealthStatus.Healthy);
        string[] tags = [.. Enumerable.Range(0, 20_000).Select(static i => $"__MSFT_HCT__tag-{i}")];
        await reader.Cache.SetManyAsync([.. tags.Select(static tag => KeyValuePair.Create(tag, Time(1)))], Long, Token);
        Assert.All(await reader.Cache.GetManyAsync(tags, Token), static time => Assert.Equal(Time(1), time));
        await writer.Cache.SetManyAsync([.. tags.Select(static tag => KeyValuePair.Create(tag, Time(2)))], Long, Token);
        await farm.Shards[0].WaitForReplicasAsync(cancellationToken: Token);
        await UntilReadyAsync(reader);

        var master = farm.Shards[0].InitialMaster;
        if (failure == "killed")
        {
            master.Kill();
        }
        else
        {
            master.Pause();
        }

        // Each tag once: what was read once from the replica is known.
        var stale = new List<string>();
        var hasFailed = false;
        var began = TimeProvider.System.GetTimestamp();
        foreach (var tag in tags)
        {
            var time = await reader.Cache.GetAsync(tag, Token);
            if (time is null || !time.AsSpan().SequenceEqual(Time(2)))
            {
                stale.Add($"{tag} after {TimeProvider.System.GetElapsedTime(began).TotalMilliseconds:0} ms: {(time is null ? "missed" : "the copy")}");
            }

            var status = (await reader.EntryAsync()).Status;
            hasFailed |= status != HealthStatus.Healthy;
            if (TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(isPromoted ? 10 : 5))
            {
                break;
            }
        }

        Assert.True(hasFailed);
        Assert.True(stale.Count == 0, $"{stale.Count} were not the newer time, from {stale.FirstOrDefault()} to {stale.LastOrDefault()}.");
    }

    /// <summary>
    /// A connection to a replica is kept ready, but there has to be one, and what this process wrote itself is proven to be there: a machine
    /// that is busy may take long for both.
    /// </summary>
    private static async Task UntilReadyAsync(HealthApplication reader)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        while (((IStatusSource)reader.Cache).Status.Shards[0] is not { IsReplicaReady: true, JournalCount: 0 })
        {
            await Task.Delay(20, deadline.Token);
        }
    }

    private static byte[] Time(long ticks)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, ticks);
        return bytes;
    }
}
