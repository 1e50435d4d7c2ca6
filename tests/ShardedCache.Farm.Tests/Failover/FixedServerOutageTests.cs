using System.Globalization;
using ShardedCache.Failover;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>A server without Sentinels that is killed and comes back.</summary>
public sealed class FixedServerOutageTests : FixedServer
{
    [Fact]
    public async Task What_was_written_and_removed_during_an_outage_is_on_the_server_when_it_is_back()
    {
        await using var host = await Outage.JoinAsync(Farm);
        await host.SetAsync("replaced", "old");
        await host.SetAsync("removed", "old");
        await host.SetAsync("kept", "old");
        await Server.ExecuteAsync("SAVE");
        Server.Kill();

        await host.SetAsync("replaced", "new");
        await host.SetAsync("added", "new");
        await host.Cache.RemoveAsync("removed", Token);
        Assert.Equal(["new", "new", null], await host.ReadAsync("replaced", "added", "removed"));
        await Server.StartAsync(Token);

        await host.IsUpAsync();
        Assert.Equal(["new", "new", null, "old"], await host.ReadAsync("replaced", "added", "removed", "kept"));
        Assert.Equal(["new", "new", null, "old"], await Outage.StoredAsync(Farm, "replaced", "added", "removed", "kept"));
    }

    [Fact]
    public async Task A_member_that_was_used_during_an_outage_does_not_come_back_where_another_instance_removed_its_group()
    {
        await using var host = await Outage.JoinAsync(Farm);
        var group = host.Cache.CreateKeyGroup("group");
        await group.SetAsync(
            [new(group.Key("member"), "value"u8.ToArray())], new() { SlidingExpiration = TimeSpan.FromMinutes(10) }, Token);
        await Eventually.HoldsAsync(() => host.JournalBytes() == 0, "everything is proven");
        await using (var another = await Outage.JoinAsync(Farm))
        {
            await another.Cache.CreateKeyGroup("group").RemoveAllAsync(Token);
        }

        // As where it had expired before the group was removed: then it gets no tombstone of its own.
        await Server.ExecuteAsync("DEL", group.Key("member"));
        await Server.ExecuteAsync("SAVE");
        Server.Kill();
        Assert.Equal("value", await host.GetAsync(group.Key("member")));

        await Server.StartAsync(Token);
        await host.IsUpAsync();

        await Eventually.HoldsAsync(() => host.JournalBytes() == 0, "the uses are brought");
        Assert.Null(await host.GetAsync(group.Key("member")));
        Assert.Equal([null], await Outage.StoredAsync(Farm, group.Key("member")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_member_that_had_expired_and_is_brought_back_by_its_use_goes_with_its_group_and_one_of_which_nothing_is_known_stays_away(bool isOwn)
    {
        await using var host = await Outage.JoinAsync(Farm);
        await using var another = await Outage.JoinAsync(Farm);
        var group = another.Cache.CreateKeyGroup("group");
        await (isOwn ? host : another).Cache.CreateKeyGroup("group").SetAsync(
            [new(group.Key("member"), "value"u8.ToArray())], new() { SlidingExpiration = TimeSpan.FromMinutes(10) }, Token);
        Assert.Equal("value", await host.GetAsync(group.Key("member")));
        await Eventually.HoldsAsync(() => host.JournalBytes() == 0, "everything is proven");
        await another.DisposeAsync();

        // As where both have expired.
        await Server.ExecuteAsync("DEL", group.Key("member"), GroupKeys.IndexOf("group"));
        await Server.ExecuteAsync("SAVE");
        Server.Kill();
        Assert.Equal("value", await host.GetAsync(group.Key("member")));

        await Server.StartAsync(Token);
        await host.IsUpAsync();

        await Eventually.HoldsAsync(() => host.JournalBytes() == 0, "the uses are brought");
        Assert.Equal([isOwn ? "value" : null], await Outage.StoredAsync(Farm, group.Key("member")));
        Assert.Equal(isOwn ? "value" : null, await host.GetAsync(group.Key("member")));
        if (isOwn)
        {
            var expiresIn = long.Parse(await Server.ExecuteAsync("PTTL", GroupKeys.IndexOf("group")), CultureInfo.InvariantCulture);
            Assert.InRange(expiresIn, 1, (long)TimeSpan.FromMinutes(11).TotalMilliseconds);
        }

        await using var stranger = await Outage.JoinAsync(Farm);
        await stranger.Cache.CreateKeyGroup("group").RemoveAllAsync(Token);
        Assert.Equal([null], await Outage.StoredAsync(Farm, group.Key("member")));
        Assert.Null(await host.GetAsync(group.Key("member")));
    }

    [Fact]
    public async Task A_key_that_two_instances_wrote_during_an_outage_ends_with_the_later_write_on_the_server_and_in_both()
    {
        await using var first = await Outage.JoinAsync(Farm);
        await using var second = await Outage.JoinAsync(Farm);
        Server.Kill();
        await first.SetAsync("second writes later", "first");
        await second.SetAsync("first writes later", "second");
        await first.SetAsync("second removes later", "first");
        await second.Cache.RemoveAsync("first writes after a removal", Token);

        // Longer than two clocks that were set by the same server's can differ.
        await Task.Delay(100, Token);
        await second.SetAsync("second writes later", "second");
        await first.SetAsync("first writes later", "first");
        await second.Cache.RemoveAsync("second removes later", Token);
        await first.SetAsync("first writes after a removal", "first");
        string[] keys = ["second writes later", "first writes later", "second removes later", "first writes after a removal"];
        Assert.Equal(["first", "first", "first", "first"], await first.ReadAsync(keys));
        Assert.Equal(["second", "second", null, null], await second.ReadAsync(keys));

        await Server.StartAsync(Token);

        string?[] expected = ["second", "first", null, "first"];
        await first.ReadsAsync(keys, expected, "the first instance reads the later writes");
        await second.ReadsAsync(keys, expected, "the second instance reads the later writes");
        Assert.Equal(expected, await Outage.StoredAsync(Farm, keys));
    }

    [Fact]
    public async Task A_group_removed_while_its_server_reads_and_does_not_write_is_not_read_any_more()
    {
        await using var other = await Outage.JoinAsync(Farm);
        await using var host = await Outage.JoinAsync(Farm);
        var group = host.Cache.CreateKeyGroup("group");
        await other.Cache.CreateKeyGroup("group").SetAsync(("theirs", "old"), ("read", "old"));
        await group.SetAsync(("ours", "old"));
        await host.SetAsync(group.Key("alone"), "stays");
        string[] keys = [group.Key("theirs"), group.Key("read"), group.Key("ours"), group.Key("alone")];
        Assert.Equal(["old"], await host.ReadAsync(keys[1]));
        await Server.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "1");

        await group.RemoveAllAsync(Token);

        // Longer than the pause between two attempts to bring it there.
        for (var started = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(1.5);)
        {
            Assert.Equal([null, null, null], await host.ReadAsync(keys[..3]));
            await Task.Delay(5, Token);
        }

        await Server.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "0");
        await other.ReadsAsync(keys, [null, null, null, "stays"], "the group is removed on the server");
        await host.ReadsAsync(keys, [null, null, null, "stays"], "the group is removed in this process");
    }

    [Fact]
    public async Task In_Bypass_mode_reads_miss_during_an_outage_and_what_was_written_then_is_invalidated()
    {
        await using var host = await Outage.JoinAsync(Farm, FailoverMode.Bypass);
        var group = host.Cache.CreateKeyGroup("group");
        await host.SetAsync("written", "old");
        await host.SetAsync("left alone", "old");
        await group.SetAsync(("written", "old"), ("left alone", "old"));
        await Server.ExecuteAsync("SAVE");
        Server.Kill();

        string[] keys = ["written", "left alone", group.Key("written"), group.Key("left alone")];
        Assert.Equal([null, null, null, null], await host.ReadAsync(keys));
        await host.SetAsync("written", "new");
        await group.SetAsync(("written", "new"));
        Assert.Equal([null, null, null, null], await host.ReadAsync(keys));
        await Server.StartAsync(Token);

        await host.IsUpAsync();
        string?[] expected = [null, "old", null, "old"];
        await host.ReadsAsync(keys, expected, "the old values are read that were not written");
        Assert.Equal(expected, await Outage.StoredAsync(Farm, keys));
        await host.SetAsync("written", "newer");
        Assert.Equal("newer", await host.GetAsync("written"));
    }
}
