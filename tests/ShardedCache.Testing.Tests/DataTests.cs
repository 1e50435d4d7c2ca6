using System.Text;

namespace ShardedCache.Testing.Tests;

public class DataTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_restarted_server_is_empty_unless_it_saved_its_data()
    {
        await using var farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Cancellation);
        var master = farm.Shards[0].InitialMaster;

        await master.ExecuteAsync("SET", "key", "value");
        await RestartAsync();
        Assert.Equal("", await master.ExecuteAsync("GET", "key"));

        await master.ExecuteAsync("SET", "key", "value");
        await master.ExecuteAsync("SAVE");
        await RestartAsync();
        Assert.Equal("value", await master.ExecuteAsync("GET", "key"));

        master.Kill();
        master.EraseData();
        await master.StartAsync(Cancellation);
        Assert.Equal("", await master.ExecuteAsync("GET", "key"));

        async Task RestartAsync()
        {
            master.Kill();
            await master.StartAsync(Cancellation);
        }
    }

    [Fact]
    public async Task Replies_are_given_as_text_bytes_or_errors()
    {
        await using var farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Cancellation);
        var master = farm.Shards[0].InitialMaster;
        byte[] large = [.. Enumerable.Range(0, 1_000_000).Select(i => (byte)i)];

        await master.SetBytesAsync("bytes", large, Cancellation);
        Assert.Equal(large, await master.GetBytesAsync("bytes", Cancellation));
        Assert.Null(await master.GetBytesAsync("none", Cancellation));
        Assert.Equal("2", await master.ExecuteAsync("RPUSH", "list", "", "ü"));
        Assert.Equal("\nü", await master.ExecuteAsync("LRANGE", "list", "0", "-1"));
        Assert.Equal("ü"u8.ToArray(), Encoding.UTF8.GetBytes(await master.ExecuteAsync("LINDEX", "list", "1")));
        var error = await Assert.ThrowsAsync<RedisFarmException>(() => master.ExecuteAsync("GET", "list"));
        Assert.Equal("WRONGTYPE", error.Code);
    }
}
