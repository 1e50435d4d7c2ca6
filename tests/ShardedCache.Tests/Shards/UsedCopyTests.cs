using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Shards;

/// <summary>Sliding entries that are used while no server can be told.</summary>
public sealed class UsedCopyTests : Outage
{
    [Fact]
    public async Task The_use_of_a_copy_that_somebody_removed_long_ago_does_not_bring_it_back()
    {
        await StartAsync();
        await SetAsync("key", "old", Sliding(3600));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromMinutes(10));

        // Another client's tombstone has come and gone.
        A.Store.TryRemove("key", out _);
        await FailAsync();
        Assert.Null(await GetAsync("key"));
        await Cache.RefreshAsync("key", Token);
        await ReturnAsync();

        Assert.Null(On(A, "key"));
        Assert.Null(await GetAsync("key"));
    }

    [Fact]
    public async Task The_use_of_a_copy_in_an_outage_longer_than_a_tombstone_s_life_does_not_bring_it_back()
    {
        await StartAsync();
        await SetAsync("key", "old", Sliding(3600));
        await UntilProvenAsync();
        await FailAsync();
        Assert.Equal("old", await GetAsync("key"));

        // Another client was not cut off, and has removed it; its tombstone has come and gone.
        A.Store.TryRemove("key", out _);
        World.Time.Advance(TimeSpan.FromMinutes(3));
        await ReturnAsync();

        Assert.Null(On(A, "key"));
    }

    [Fact]
    public async Task The_use_of_a_copy_that_could_not_be_told_for_longer_than_a_tombstone_s_life_does_not_make_it_readable_for_ever()
    {
        await StartWithReplicaAsync();
        await SetAsync("key", "old", Sliding(3600));
        await UntilProvenAsync();
        await FailAsync();
        World.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("old", await GetAsync("key"));

        // Another client was not cut off, and has removed it; its tombstone has come and gone.
        A.Store.TryRemove("key", out _);
        World.Time.Advance(TimeSpan.FromMinutes(3));
        A.Replication.Acknowledged = 0;
        await ReturnAsync();
        await FailAsync();

        Assert.Null(await GetAsync("key"));
    }

    [Fact]
    public async Task A_copy_that_was_used_in_an_outage_survives_where_nobody_could_be_told_of_its_use()
    {
        await StartAsync();
        await SetAsync("key", "value", Sliding(20));
        await UntilProvenAsync();
        await FailAsync();
        World.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal("value", await GetAsync("key"));
        World.Time.Advance(TimeSpan.FromSeconds(15));

        // Redis has let it expire.
        A.Store.TryRemove("key", out _);
        await ReturnAsync();

        Assert.Equal("value", On(A, "key"));
        Assert.Equal("value", await GetAsync("key"));
    }

    [Fact]
    public async Task A_copy_that_is_too_old_to_be_served_is_not_used_by_who_asked_for_it()
    {
        await StartAsync(change: static settings => settings with { MaxStaleness = TimeSpan.FromSeconds(60) });
        await SetAsync("key", "value", Sliding(600));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(70));
        await FailAsync();

        Assert.Null(await GetAsync("key"));

        Assert.Equal(0, Cache.JournalBytes);
    }

    [Theory]
    [InlineData("expired", true)]
    [InlineData("expired", false)]
    [InlineData("older", true)]
    [InlineData("older", false)]
    [InlineData("removed", true)]
    [InlineData("removed", false)]
    public async Task A_refresh_prolongs_what_the_next_master_has_whatever_is_known_here(string known, bool isDown)
    {
        await StartWithReplicaAsync();
        await SetAsync("key", "value", Sliding(20));
        if (known == "removed")
        {
            await Cache.RemoveAsync("key", Token);
        }

        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(known == "expired" ? 25 : 1));
        A.Store["key"] = B.Store["key"] = known == "expired" ? A.Store["key"] : Foreign("theirs", 0, Expiration(20));
        if (isDown)
        {
            await FailAsync();
        }

        A.Replication.Acknowledged = 0;
        await Cache.RefreshAsync("key", Token);
        A.IsDown = true;
        A.Break();
        await PromoteAsync();

        await World.UntilAsync(() => B.Lives.ContainsKey("key"));
        Assert.Contains(B.Sent, static sent => sent is { Command: "refresh", Key: "key" });
        Assert.Equal(known == "expired" ? "value" : "theirs", await GetAsync("key"));
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(1000, 180)]
    public async Task The_use_of_what_a_replica_had_is_told_to_the_next_master_where_it_is_not_brought_there(int maxEntrySize, int outageSeconds)
    {
        await StartWithReplicaAsync(settings => settings with { LocalTierMaxEntrySize = maxEntrySize });
        A.Store["key"] = B.Store["key"] = Foreign("value", -10, Expiration(240));
        await FailAsync();
        await ReplicaServesAsync();
        Assert.Equal("value", await GetAsync("key"));

        World.Time.Advance(TimeSpan.FromSeconds(outageSeconds));
        await PromoteAsync();

        await World.UntilAsync(() => B.Lives.ContainsKey("key"));
        Assert.Contains(B.Sent, static sent => sent is { Command: "touch", Key: "key" });
        Assert.Equal("value", await GetAsync("key"));
    }

    [Fact]
    public async Task A_life_that_was_worked_out_before_this_process_stood_still_is_not_longer_for_that()
    {
        await StartAsync();
        await FailAsync();
        await SetAsync("key", "value", Sliding(20));
        A.AnswerEntry = command => StandStill(command, "replay");
        await ReturnAsync();
        await World.UntilAsync(() => A.Lives.ContainsKey("key"));
        Assert.InRange(A.Lives["key"]!.Value, 1, 16_250);

        A.AnswerEntry = command => StandStill(command, "touch");
        World.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("value", await GetAsync("key"));
        await World.UntilAsync(() => A.Sent.Any(static sent => sent is { Command: "touch", Key: "key" }));
        Assert.InRange(A.Lives["key"]!.Value, 1, 16_250);

        Reply? StandStill(string command, string at)
        {
            if (command == at)
            {
                World.Time.Advance(TimeSpan.FromSeconds(5));
            }

            return null;
        }
    }

    private EntryExpiration Expiration(double slidingSeconds) =>
        EntryExpiration.From(Sliding(slidingSeconds), default, World.Time.GetUtcNow().ToUnixTimeMilliseconds());
}
