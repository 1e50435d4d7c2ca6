namespace ShardedCache.Farm.Tests.Failover;

/// <summary>A server that is full when what it did not take before is brought to it.</summary>
public sealed class FullServerTests : FixedServer
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_it_refuses_is_read_from_the_journal_until_it_takes_it_and_holds_nothing_else_back(bool restarts)
    {
        // Of each many more than go in one step of a replay.
        var keys = Enumerable.Range(0, 700).Select(static i => $"key-{i}").ToArray();
        await using var host = await Outage.JoinAsync(Farm);
        var groups = Enumerable.Range(0, 300).Select(i => host.Cache.CreateKeyGroup($"group-{i}")).ToArray();
        var members = groups.Select(static group => group.Key("member")).ToArray();
        await WriteAsync("old");
        await Server.ExecuteAsync("CONFIG", "SET", restarts ? "maxmemory" : "min-replicas-to-write", "1");
        if (restarts)
        {
            await Server.ExecuteAsync("CONFIG", "REWRITE");
            await Server.ExecuteAsync("SAVE");
            Server.Kill();
            await host.IsDownAsync();
        }

        await WriteAsync("new");
        await (restarts ? Server.StartAsync(Token) : Server.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "0", "maxmemory", "1"));

        // What is full takes no plain write either, but then has nothing older any more.
        await Eventually.HoldsAsync(
            async () => (await Outage.StoredAsync(Farm, keys)).All(static value => value is null), "the older values are removed");
        Assert.All(await host.ReadAsync(keys), Assert.Null);
        Assert.All(await host.ReadAsync(members), static value => Assert.Equal("new", value));
        Assert.All(await Outage.StoredAsync(Farm, members), static value => Assert.Equal("old", value));

        await Server.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        await Eventually.HoldsAsync(() => host.JournalBytes() == 0, "the groups are written");
        Assert.All(await Outage.StoredAsync(Farm, members), static value => Assert.Equal("new", value));
        Assert.All(await host.ReadAsync(members), static value => Assert.Equal("new", value));

        async Task WriteAsync(string value)
        {
            await Task.WhenAll(groups.Select(group => group.SetAsync(("member", value))));
            await Task.WhenAll(keys.Select(key => host.SetAsync(key, value)));
        }
    }
}
