using System.Buffers;

namespace ShardedCache.Tests.Shards;

/// <summary>The master has an older version of an entry than this process has known.</summary>
public sealed class ReplacedVersionsTests : Outage
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_had_a_later_version_that_has_expired_is_not_read_where_another_instance_brings_it_back_and_removed(bool isBuffered)
    {
        await StartAsync();
        await SetAsync("key", "later", For(5));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(10));
        A.Store.TryRemove("key", out _);
        Assert.Null(await GetAsync("key"));
        Assert.Equal(1, A.Replay("key", Foreign("older", -60)));

        if (isBuffered)
        {
            var buffer = new ArrayBufferWriter<byte>();
            Assert.False(await Cache.TryGetAsync("key", buffer, Token));
            Assert.Equal(0, buffer.WrittenCount);
        }
        else
        {
            Assert.Null(await GetAsync("key"));
        }

        Assert.Null(On(A, "key"));
        A.Store["key"] = Foreign("newer", 0);
        Assert.Equal("newer", await GetAsync("key"));
    }

    [Fact]
    public async Task Of_two_versions_at_nearly_the_same_time_the_one_that_the_master_has_is_read()
    {
        await StartAsync();
        await SetAsync("key", "mine");
        await UntilProvenAsync();
        A.Store["key"] = Foreign("other", -0.2);

        Assert.Equal("other", await GetAsync("key"));
    }

    [Fact]
    public async Task What_a_stalled_network_has_put_over_a_later_version_gives_way_to_that_again()
    {
        await StartAsync();
        await SetAsync("key", "later");
        await UntilProvenAsync();
        await World.PollAsync(A);
        A.Store["key"] = Foreign("delayed", -5);

        Assert.Equal("later", await GetAsync("key"));
        await World.UntilAsync(() => On(A, "key") == "later");
    }

    [Fact]
    public async Task A_later_version_that_its_master_has_not_confirmed_for_long_is_not_brought_back_for_it_may_have_been_removed()
    {
        await StartAsync();
        await SetAsync("key", "later");
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(5));
        A.Store["key"] = Foreign("delayed", -10);

        Assert.Equal("delayed", await GetAsync("key"));
        await World.PollAsync(A);
        Assert.Equal("delayed", On(A, "key"));
    }

    [Fact]
    public async Task Where_the_value_of_the_later_version_is_not_kept_the_delayed_one_is_not_lost_with_it()
    {
        await StartAsync(change: static settings => settings with { LocalTierMaxEntrySize = 3 });
        A.Store["key"] = Foreign("later");
        Assert.Equal("later", await GetAsync("key"));
        A.Store["key"] = Foreign("delayed", -2);

        Assert.Equal("delayed", await GetAsync("key"));
        Assert.Equal("delayed", await GetAsync("key"));
        Assert.Equal("delayed", On(A, "key"));
    }
}
