using System.Text;
using ShardedCache.Entries;
using StackExchange.Redis;

namespace ShardedCache.Farm.Tests.Entries;

/// <summary>The scripts over pages and their tags. Each test has an instance name of its own.</summary>
public class PageScriptTests : ScriptTests, IClassFixture<OneServer>
{
    private readonly string _root = $"{Guid.NewGuid()}:__shardedcache:";

    public PageScriptTests(OneServer server)
        : base(server)
    {
    }

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
    public async Task A_bucket_takes_four_thousand_pages_and_the_next_one_the_rest()
    {
        await FillAsync(4001, "tag");

        Assert.Equal(4000, await Database.SortedSetLengthAsync(Bucket("tag", 0)));
        Assert.Equal(["p4000"], await MembersAsync("tag", 1));
        Assert.Equal(1, await SetAsync("p0", Later, "again", "tag"));
        Assert.Equal(4000, await Database.SortedSetLengthAsync(Bucket("tag", 0)));
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
    public async Task Writes_clean_expired_members_out_of_every_bucket()
    {
        await FillAsync(4500, "tag");
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
        await FillAsync(8100, "tag");
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
    public async Task An_eviction_takes_older_pages_with_all_their_memberships_and_leaves_its_stamp()
    {
        await SetAsync("p", Stamp, "one", "a", "b");
        await SetAsync("q", Stamp, "one", "b");

        Assert.Equal(0, await EvictAsync("a", Later));

        Assert.False(await Database.KeyExistsAsync(Page("p")));
        Assert.Equal(["q"], await MembersAsync("b", 0));
        Assert.False(await Database.KeyExistsAsync(State("a")));
        Assert.False(await Database.KeyExistsAsync(Bucket("a", 0)));
        Assert.Equal(Later.ToBytes(), await StoredAsync(Evicted("a")));
        await AssertLivesForAsync(Evicted("a"), 2 * Minute);
    }

    [Fact]
    public async Task An_evicted_tag_forbids_older_pages_and_what_they_would_have_replaced()
    {
        await SetAsync("p", Stamp, "oldest", "other");
        await EvictAsync("a", MuchLater);

        Assert.Equal(0, await SetAsync("p", Later, "older", "a"));
        Assert.Equal(Tombstone(Later), await StoredAsync(Page("p")));
        Assert.False(await Database.KeyExistsAsync(Bucket("other", 0)));
        Assert.Equal(0, await SetAsync("p", Stamp, "oldest", ["other"], isReplay: true));

        Assert.Equal(1, await SetAsync("p", new Stamp(MuchLater.Value + 1), "new", "a"));
        Assert.Equal("new", await TextAsync("p"));
    }

    [Fact]
    public async Task A_page_that_is_later_than_the_eviction_stays_and_a_later_eviction_finds_it()
    {
        await SetAsync("older", Stamp, "older", "tag");
        await SetAsync("later", MuchLater, "later", "tag");

        Assert.Equal(0, await EvictAsync("tag", Later));
        Assert.Null(await TextAsync("older"));
        Assert.Equal("later", await TextAsync("later"));

        // The page's own table says where the membership went: so the next write finds it.
        Assert.Equal(1, await SetAsync("later", new Stamp(MuchLater.Value + 1), "again", "another"));
        Assert.Empty(await AllMembersAsync("tag"));
        Assert.Equal(1, await SetAsync("later", new Stamp(MuchLater.Value + 2), "again", "tag"));

        Assert.Equal(0, await EvictAsync("tag", new Stamp(MuchLater.Value + 3)));
        Assert.Null(await TextAsync("later"));
        Assert.Empty(await AllMembersAsync("tag"));
    }

    [Fact]
    public async Task No_step_of_an_eviction_takes_more_than_it_may_and_pages_written_meanwhile_stay()
    {
        await FillAsync(4200, "tag");

        var steps = 1;
        for (; await EvictAsync("tag", Later, step: 1000) == 1; steps++)
        {
            var left = await CountAsync();
            Assert.True(left >= 4200 - (steps * 1000), $"{left} pages were left after {steps} steps");
            await SetAsync($"meanwhile{steps}", MuchLater, "", "tag");
            await SetAsync($"p{4199 - steps}", MuchLater, "", "tag");
        }

        Assert.InRange(steps, 5, 6);
        var members = await AllMembersAsync("tag");
        Assert.Equal(2 * (steps - 1), members.Count);
        Assert.Equal(members.Count, await CountAsync());
    }

    [Fact]
    public async Task Memberships_of_other_tags_count_for_a_step_too()
    {
        var tags = Enumerable.Range(0, 50).Select(static i => $"tag{i}").ToArray();
        for (var i = 0; i < 40; i++)
        {
            await SetAsync($"p{i}", Stamp, "", tags);
        }

        Assert.Equal(1, await EvictAsync("tag0", Later, step: 500));

        Assert.InRange(await CountAsync(), 29, 31);
    }

    [Fact]
    public async Task Of_two_evictions_at_once_the_later_one_takes_all_that_is_older_than_it()
    {
        await FillAsync(300, "tag");
        Assert.Equal(1, await EvictAsync("tag", Later, step: 100));
        await SetAsync("between", new Stamp(Later.Value + 1), "", "tag");
        Assert.Equal(1, await EvictAsync("tag", MuchLater, step: 100));

        while (await EvictAsync("tag", Later, step: 100) == 1)
        {
        }

        Assert.Equal(0, await EvictAsync("tag", MuchLater, step: 100));
        Assert.Equal(0, await CountAsync());
    }

    [Fact]
    public async Task An_eviction_replayed_late_takes_what_was_brought_back_and_nothing_newer()
    {
        await EvictAsync("tag", Later);
        await Database.KeyDeleteAsync(Evicted("tag"));
        await SetAsync("brought back", Stamp, "", "tag");
        await SetAsync("newer", MuchLater, "", "tag");

        while (await EvictAsync("tag", Later) == 1)
        {
        }

        Assert.Null(await TextAsync("brought back"));
        Assert.NotNull(await TextAsync("newer"));
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
    public async Task A_lost_part_of_the_index_is_no_error_and_is_made_anew_by_the_next_writes()
    {
        await SetAsync("p", Stamp, "text", "tag");
        await Database.KeyDeleteAsync(Bucket("tag", 0));
        Assert.Equal(0, await EvictAsync("tag", Later));
        Assert.Equal("text", await TextAsync("p"));

        await Database.KeyDeleteAsync([State("tag"), Evicted("tag")]);
        Assert.Equal(0, await EvictAsync("tag", Later));
        Assert.Equal(1, await SetAsync("p", MuchLater, "again", "tag"));

        Assert.Equal(0, await EvictAsync("tag", new Stamp(MuchLater.Value + 1)));
        Assert.Null(await TextAsync("p"));
    }

    [Fact]
    public async Task Without_arguments_the_scripts_write_nothing()
    {
        Assert.Equal(0, await RunAsync(PageScripts.Set, Key));
        Assert.Equal(0, await RunAsync(PageScripts.Evict, Key));
        Assert.False(await Database.KeyExistsAsync(Key));
    }

    private RedisKey Page(string name) => $"{_root}page:{name}";

    private RedisKey Bucket(string tag, int number) => $"{_root}tag-pages:{number}:{tag}";

    private RedisKey State(string tag) => $"{_root}tag:{tag}";

    private RedisKey Evicted(string tag) => $"{_root}tag-evicted:{tag}";

    private Task<long> SetAsync(string name, Stamp stamp, string text, params string[] tags) => SetAsync(name, stamp, text, tags, life: null);

    private Task<long> SetAsync(string name, Stamp stamp, string text, string[] tags, bool isReplay = false, TimeSpan? life = null)
    {
        var absolute = DateTimeOffset.UtcNow.Add(life ?? Minute).ToUnixTimeMilliseconds();
        var header = Entry(EntryHeader.Value(stamp, new EntryExpiration(absolute, 0, default)));
        return RunAsync(PageScripts.Set, Page(name), [_root, isReplay, header, (long)(life ?? Minute).TotalMilliseconds, 120_000, text, .. tags]);
    }

    private Task<long> RemoveAsync(string name, Stamp stamp) => RunAsync(PageScripts.Set, Page(name), _root, true, Tombstone(stamp), 120_000, 120_000, "");

    private Task<long> EvictAsync(string tag, Stamp stamp, int step = 1000) =>
        RunAsync(PageScripts.Evict, Evicted(tag), _root, tag, stamp.ToBytes(), 120_000, step);

    private Task FillAsync(int count, string tag) => Task.WhenAll(Enumerable.Range(0, count).Select(i => SetAsync($"p{i}", Stamp, "text", tag)));

    private async Task<string?> TextAsync(string name)
    {
        if (await StoredAsync(Page(name)) is not { } stored)
        {
            return null;
        }

        Assert.True(EntryHeader.TryRead(stored, out _, out var length));
        Assert.True(PageFormat.TryFindBody(stored.AsSpan(length), out var start));
        return Encoding.UTF8.GetString(stored.AsSpan(length + start));
    }

    private async Task<IReadOnlyList<string>> MembersAsync(string tag, int bucket) =>
        [.. (await Database.SortedSetRangeByRankAsync(Bucket(tag, bucket))).Select(static member => (string)member!)];

    private async Task<IReadOnlyList<string>> AllMembersAsync(string tag)
    {
        var members = new List<string>();
        for (var bucket = 0; bucket < 12; bucket++)
        {
            members.AddRange(await MembersAsync(tag, bucket));
        }

        return members;
    }

    private async Task<int> CountAsync() => ((RedisValue[])(await Database.ExecuteAsync("KEYS", $"{_root}page:*"))!).Length;
}
