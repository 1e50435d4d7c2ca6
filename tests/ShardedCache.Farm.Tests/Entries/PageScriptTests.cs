using System.Text;
using ShardedCache.Entries;
using StackExchange.Redis;

namespace ShardedCache.Farm.Tests.Entries;

/// <summary>The scripts over pages and their tags.</summary>
public sealed class PageScriptTests(OneServer server) : PageScripting(server), IClassFixture<OneServer>
{
    [Fact]
    public async Task A_page_is_stored_with_the_table_of_its_tags_and_a_membership_of_each_that_expires_with_it()
    {
        Assert.Equal(1, await SetAsync("p", Stamp, "text", "a", "ä:1"));

        var stored = (await StoredAsync(Page("p")))!;
        Assert.True(EntryHeader.TryRead(stored, out var header, out var length));
        Assert.Equal(Stamp, header.Stamp);
        Assert.Equal(["a", "ä:1"], PageFormat.Tags(stored.AsSpan(length)));
        Assert.True(PageFormat.TryFindBody(stored.AsSpan(length), out var start));
        Assert.Equal("text", Encoding.UTF8.GetString(stored.AsSpan(length + start)));
        Assert.Equal(["p"], await MembersAsync("a", 0));
        Assert.Equal(["p"], await MembersAsync("ä:1", 0));
        foreach (var key in new[] { Page("p"), Bucket("a", 0), State("a"), Bucket("ä:1", 0), State("ä:1") })
        {
            await AssertLivesForAsync(key, Minute);
        }
    }

    [Fact]
    public async Task A_bucket_takes_five_hundred_pages_and_the_next_one_the_rest()
    {
        await FillAsync(501, "tag");

        Assert.Equal(500, await Database.SortedSetLengthAsync(Bucket("tag", 0)));
        Assert.Equal(["p500"], await MembersAsync("tag", 1));
        Assert.Equal(1, await SetAsync("p0", Later, "again", "tag"));
        Assert.Equal(500, await Database.SortedSetLengthAsync(Bucket("tag", 0)));
    }

    [Fact]
    public async Task A_bucket_lives_as_long_as_its_last_member_and_its_tag_s_state_as_its_last_bucket()
    {
        await SetAsync("long", Stamp, "", ["tag"], life: 10 * Minute);
        await SetAsync("short", Stamp, "", ["tag"], life: Minute);

        await AssertLivesForAsync(Bucket("tag", 0), 10 * Minute);
        await AssertLivesForAsync(State("tag"), 10 * Minute);
    }

    [Fact]
    public async Task The_buckets_of_a_large_tag_expire_one_after_the_other_and_its_state_with_the_last_of_them()
    {
        await FillAsync(1001, "tag");

        var ends = new List<long>();
        foreach (var bucket in new[] { 0, 1, 2 })
        {
            var last = (await Database.SortedSetRangeByRankWithScoresAsync(Bucket("tag", bucket), -1)).Single().Score;
            ends.Add((long)await Database.ExecuteAsync("PEXPIRETIME", Bucket("tag", bucket)));
            Assert.Equal(60 * bucket, ends[^1] - last);
        }

        Assert.InRange((long)await Database.ExecuteAsync("PEXPIRETIME", State("tag")), ends.Max(), ends.Max() + 60);
    }

    [Fact]
    public async Task Writes_clean_expired_members_out_of_every_bucket()
    {
        await FillAsync(750, "tag");
        var old = DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeMilliseconds();
        foreach (var bucket in new[] { 0, 1 })
        {
            await Database.SortedSetAddAsync(Bucket("tag", bucket), [.. Enumerable.Range(0, 40).Select(i => new SortedSetEntry($"old{i}", old))]);
        }

        for (var i = 0; i < 40; i++)
        {
            await SetAsync($"more{i}", Stamp, "", "tag");
        }

        Assert.DoesNotContain(await MembersAsync("tag", 0), static member => member.StartsWith("old", StringComparison.Ordinal));
        Assert.DoesNotContain(await MembersAsync("tag", 1), static member => member.StartsWith("old", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Emptied_buckets_are_left_behind_so_that_no_eviction_has_to_walk_through_them()
    {
        await FillAsync(1010, "tag");
        await Database.KeyDeleteAsync([Bucket("tag", 0), Bucket("tag", 1)]);
        for (var i = 0; i < 10; i++)
        {
            await SetAsync($"more{i}", Stamp, "", "tag");
        }

        Assert.StartsWith("2 2 ", (string?)await Database.StringGetAsync(State("tag")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tag_that_a_page_has_no_more_loses_the_membership_and_its_keys()
    {
        await SetAsync("p", Stamp, "one", "a", "b");
        Assert.Equal(1, await SetAsync("p", Later, "two", "b", "c"));

        Assert.False(await Database.KeyExistsAsync(Bucket("a", 0)));
        Assert.Equal(["p"], await MembersAsync("b", 0));
        Assert.Equal(["p"], await MembersAsync("c", 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_older_page_is_replayed_in_vain_and_arriving_last_it_stays(bool isReplay)
    {
        await SetAsync("p", Later, "later", "a");

        Assert.Equal(isReplay ? 0 : 1, await SetAsync("p", Stamp, "older", ["b"], isReplay: isReplay));

        Assert.Equal(isReplay ? "later" : "older", await TextAsync("p"));
        Assert.Equal(isReplay ? ["p"] : [], await MembersAsync("a", 0));
        Assert.Equal(isReplay ? [] : ["p"], await MembersAsync("b", 0));
    }

    [Fact]
    public async Task A_removal_leaves_a_tombstone_and_no_membership_and_yields_to_its_own_page()
    {
        await SetAsync("p", Stamp, "text", "a");
        Assert.Equal(1, await RemoveAsync("p", Stamp));
        Assert.Equal("text", await TextAsync("p"));

        Assert.Equal(1, await RemoveAsync("p", Later));

        Assert.Equal(Tombstone(Later), await StoredAsync(Page("p")));
        Assert.False(await Database.KeyExistsAsync(Bucket("a", 0)));
        await AssertLivesForAsync(Page("p"), 2 * Minute);
    }

    [Fact]
    public async Task Whatever_lies_under_a_page_s_key_is_overwritten()
    {
        await Database.ListLeftPushAsync(Page("list"), "x");
        await StoreAsync(Page("garbage"), [0xC1, 1, .. new byte[200]]);
        await StoreAsync(Page("short"), [0xC1, 0]);
        await StoreAsync(Page("claims too much"), Value(Stamp, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3));

        foreach (var name in new[] { "list", "garbage", "short", "claims too much" })
        {
            Assert.Equal(1, await SetAsync(name, MuchLater, "text", "tag"));
            Assert.Equal("text", await TextAsync(name));
        }
    }

    [Fact]
    public async Task Without_memory_a_page_is_removed_and_evictions_still_work()
    {
        await SetAsync("p", Stamp, "old", "a");
        await SetAsync("q", Stamp, "old", "b");
        await Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        try
        {
            Assert.Equal(2, await SetAsync("p", Later, "new", "a"));
            Assert.Equal(0, await EvictAsync("b", Later));
        }
        finally
        {
            await Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        }

        Assert.False(await Database.KeyExistsAsync(Page("p")));
        Assert.False(await Database.KeyExistsAsync(Bucket("a", 0)));
        Assert.False(await Database.KeyExistsAsync(Page("q")));
        Assert.Equal(Later.ToBytes(), await StoredAsync(Evicted("b")));
    }

    [Fact]
    public async Task Without_arguments_the_scripts_write_nothing()
    {
        Assert.Equal(0, await RunAsync(PageScripts.Set, Key));
        Assert.Equal(0, await RunAsync(PageScripts.Evict, Key));
        Assert.False(await Database.KeyExistsAsync(Key));
    }
}
