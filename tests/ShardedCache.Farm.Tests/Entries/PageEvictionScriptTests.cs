using ShardedCache.Entries;

namespace ShardedCache.Farm.Tests.Entries;

/// <summary>The script that evicts a tag's pages, step by step.</summary>
public sealed class PageEvictionScriptTests(OneServer server) : PageScripting(server), IClassFixture<OneServer>
{
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
    public async Task Whatever_was_written_before_an_eviction_arrived_goes_and_what_is_written_meanwhile_stays()
    {
        await FillAsync(300, "tag");
        await SetAsync("ahead", MuchLater, "ahead", "tag", "other");
        await SetAsync("rewritten", MuchLater, "ahead", "tag");
        Assert.Equal(1, await EvictAsync("tag", Later, step: 100, how: "first"));
        await SetAsync("rewritten", new Stamp(MuchLater.Value + 1), "again", "tag");
        await SetAsync("new", MuchLater, "new", "tag");

        while (await EvictAsync("tag", Later, step: 100, how: "next") == 1)
        {
        }

        Assert.Equal((null, "again", "new"), (await TextAsync("ahead"), await TextAsync("rewritten"), await TextAsync("new")));
        Assert.Equal(2, await CountAsync());
        Assert.Empty(await AllMembersAsync("other"));
        Assert.Equal(["new", "rewritten"], (await AllMembersAsync("tag")).Order());
        Assert.Equal(0, await EvictAsync("tag", Later, how: "first"));
        Assert.Equal(0, await CountAsync());
    }

    [Fact]
    public async Task An_eviction_with_an_earlier_stamp_than_the_one_before_it_takes_what_was_written_between_them()
    {
        await EvictAsync("tag", Later, how: "first");
        await SetAsync("p", MuchLater, "between", "tag");

        Assert.Equal(0, await EvictAsync("tag", Stamp, how: "first"));

        Assert.Null(await TextAsync("p"));
        Assert.Equal(Later.ToBytes(), await StoredAsync(Evicted("tag")));
    }

    [Fact]
    public async Task A_replayed_eviction_in_the_midst_of_another_one_spares_what_is_later_than_it_and_was_written_since()
    {
        await FillAsync(300, "tag");
        Assert.Equal(1, await EvictAsync("tag", Later, step: 100, how: "first"));
        await SetAsync("between", new Stamp(Later.Value + 1), "", "tag");
        await SetAsync("later", new Stamp(MuchLater.Value + 1), "", "tag");
        Assert.Equal(1, await EvictAsync("tag", MuchLater, step: 100));

        while (await EvictAsync("tag", Later, step: 100, how: "next") == 1)
        {
        }

        Assert.Equal((null, ""), (await TextAsync("between"), await TextAsync("later")));
        Assert.Equal(["later"], await AllMembersAsync("tag"));
    }
}
