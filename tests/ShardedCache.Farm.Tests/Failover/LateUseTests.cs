using System.Globalization;
using ShardedCache.Farm.Tests.Cache;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>A real server that gets the use of a sliding entry when the entry is over there.</summary>
public sealed class LateUseTests : FixedServer
{
    private const string Key = "key";

    [Theory]
    [InlineData(ShardTransport.StackExchangeRedis)]
    [InlineData(ShardTransport.Resp)]
    public async Task An_entry_that_was_used_in_time_is_read_although_its_server_was_told_after_its_end(ShardTransport transport)
    {
        await using var host = await JoinAsync(transport);
        await SetAsync(host, leaving: 1000);

        // Reads pass, and the use behind one waits with all that follows it on its connection.
        await Server.ExecuteAsync("CLIENT", "PAUSE", "60000", "WRITE");
        Assert.Equal("value", await host.GetAsync(Key));
        await Eventually.HoldsAsync(async () => await LifeAsync(Key) < 0, "the entry is over on its server");
        var read = host.GetAsync(Key);
        await Server.ExecuteAsync("CLIENT", "UNPAUSE");

        Assert.Equal("value", await read);
        await Eventually.HoldsAsync(async () => await LifeAsync(Key) > 0, "the entry is on its server again");
        Assert.Equal("value", await host.GetAsync(Key));
    }

    [Theory]
    [InlineData(ShardTransport.StackExchangeRedis)]
    [InlineData(ShardTransport.Resp)]
    public async Task What_was_flushed_after_its_server_was_told_of_the_use_is_gone(ShardTransport transport)
    {
        await using var host = await JoinAsync(transport);
        await SetAsync(host, leaving: 2000);
        Assert.Equal("value", await host.GetAsync(Key));
        await Eventually.HoldsAsync(async () => await LifeAsync(Key) > 2000, "the use has come");
        await Server.ExecuteAsync("FLUSHALL");

        // As long as the entry had lived without its use.
        await Server.ExecuteAsync("SET", "marker", "", "PX", "2100");
        await Eventually.HoldsAsync(async () => await LifeAsync("marker") < 0, "the life before the use is over");

        Assert.Null(await host.GetAsync(Key));
        await Eventually.HoldsAsync(() => host.JournalBytes() == 0, "everything is proven");
        Assert.True(await LifeAsync(Key) < 0);
    }

    private Task<CacheHost> JoinAsync(ShardTransport transport) => Outage.JoinAsync(Farm, configure: options =>
    {
        options.Transport = transport;
        options.OperationTimeout = TimeSpan.FromSeconds(20);
    });

    /// <summary>Writes an entry of four seconds, and waits until so many milliseconds are left to it.</summary>
    private async Task SetAsync(CacheHost host, long leaving)
    {
        await host.Cache.SetAsync(Key, "value"u8.ToArray(), new() { SlidingExpiration = TimeSpan.FromSeconds(4) }, Token);
        await Eventually.HoldsAsync(async () => await LifeAsync(Key) <= leaving, "the life is nearly over");
    }

    private async Task<long> LifeAsync(string key) => long.Parse(await Server.ExecuteAsync("PTTL", key), CultureInfo.InvariantCulture);
}
