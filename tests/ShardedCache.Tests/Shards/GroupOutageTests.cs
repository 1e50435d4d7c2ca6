using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Connections;
using ShardedCache.Failover;

namespace ShardedCache.Tests.Shards;

/// <summary>Atomic operations over the keys of a group, while their shard is not up.</summary>
public sealed class GroupOutageTests : Outage
{
    private IKeyGroup Group => Cache.CreateKeyGroup("g");

    [Fact]
    public async Task A_set_is_read_back_at_once_and_delivered_in_one_script()
    {
        await StartAsync();
        await SetAsync("{g}:c", "old");
        await FailAsync();

        await SetGroupAsync("a", "b");
        await Group.RemoveAsync(["{g}:c"], Token);

        Assert.Equal(["new", "new", null], await MembersAsync());
        await ReturnAsync();
        Assert.Equal(["new", "new", null], await MembersAsync());
        Assert.Equal(("new", "new", "tombstone"), (On(A, "{g}:a"), On(A, "{g}:b"), On(A, "{g}:c")));
        Assert.Equal(2, A.Sent.Count(static sent => sent.Command == "group-write"));
        await UntilProvenAsync();
    }

    [Fact]
    public async Task A_removal_of_the_whole_group_hides_its_members_at_once_and_for_good()
    {
        await StartAsync();
        await SetGroupAsync("a", "b");
        await UntilProvenAsync();
        await FailAsync();
        await SetGroupAsync("c");

        await Group.RemoveAllAsync(Token);
        Assert.Equal([null, null, null], await MembersAsync());
        await SetGroupAsync("b");
        Assert.Equal([null, "new", null], await MembersAsync());

        await ReturnAsync();
        Assert.Equal([null, "new", null], await MembersAsync());
        Assert.Equal(("tombstone", "new"), (On(A, "{g}:a"), On(A, "{g}:b")));
        await UntilProvenAsync();
        Assert.Equal([null, "new", null], await MembersAsync());
    }

    [Theory]
    [InlineData(60, 2)]
    [InlineData(300, 130)]
    public async Task A_removal_of_the_whole_group_is_known_as_long_as_copies_of_its_members_could_be_read(int maxStaleness, int seconds)
    {
        await StartAsync(change: settings => settings with { LocalTierSizeLimit = 64 * 1024, MaxStaleness = TimeSpan.FromSeconds(maxStaleness) });
        await SetAsync("{g}:a", "removed", Sliding(600));
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("removed", await GetAsync("{g}:a"));
        await Group.RemoveAllAsync(Token);
        await UntilProvenAsync();
        World.Time.Advance(TimeSpan.FromSeconds(seconds));
        for (var i = 0; i < 24; i++)
        {
            // Of the same stripe: enough for the removal to be the oldest, and the copy, which was used, to be kept.
            await SetAsync($"{{g}}:{i}", "value");
        }

        await UntilProvenAsync();
        await FailAsync();
        Assert.Null(await GetAsync("{g}:a"));

        A.Store.Clear();
        await ReturnAsync();
        await UntilProvenAsync();
        Assert.NotEqual("removed", On(A, "{g}:a"));
    }

    [Fact]
    public async Task A_refresh_of_a_member_that_is_over_here_neither_removes_it_where_others_have_used_it_nor_is_lost()
    {
        await StartWithReplicaAsync();
        A.Replication.Acknowledged = 0;
        await SetGroupAsync(Sliding(20), "a", "b");
        World.Time.Advance(TimeSpan.FromSeconds(25));
        await Cache.RefreshAsync("{g}:a", Token);
        var before = A.Sent.Count;
        A.Break();
        await World.UntilAsync(() => A.Sent.Skip(before).Any(static sent => sent.Command == "group-write"));

        Assert.Equal(("new", "new"), (On(A, "{g}:a"), On(A, "{g}:b")));
        Assert.Contains(A.Sent.Skip(before), static sent => sent is { Command: "refresh", Key: "{g}:a" });
    }

    [Fact]
    public async Task A_member_that_was_used_and_then_removed_with_its_group_is_neither_read_nor_brought_back()
    {
        await StartAsync();
        await SetGroupAsync(Sliding(20), "a", "b");
        await UntilProvenAsync();
        await FailAsync();
        World.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal("new", await GetAsync("{g}:a"));
        await Group.RemoveAllAsync(Token);
        await Cache.RefreshAsync("{g}:b", Token);
        Assert.Equal([null, null, null], await MembersAsync());

        // They have expired there, and so has their index.
        A.Store.Clear();
        await ReturnAsync();
        await UntilProvenAsync();
        Assert.DoesNotContain("new", new[] { On(A, "{g}:a"), On(A, "{g}:b") });
        Assert.Equal([null, null, null], await MembersAsync());
    }

    [Fact]
    public async Task What_somebody_wrote_later_stays_when_a_set_is_replayed_and_the_other_members_are_written()
    {
        await StartAsync();
        await FailAsync();
        await SetGroupAsync("a", "b");
        B.Store["{g}:a"] = Foreign("theirs", 5);

        await PromoteAsync();

        Assert.Equal(["theirs", "new", null], await MembersAsync());
        await UntilProvenAsync();
    }

    [Fact]
    public async Task What_somebody_wrote_later_is_read_from_the_replica_in_the_next_outage_and_a_member_that_the_replica_lacks_from_memory()
    {
        await StartWithReplicaAsync();
        A.Replication.Acknowledged = 0;
        await FailAsync();
        await SetGroupAsync("a", "b");
        A.Store["{g}:a"] = B.Store["{g}:a"] = Foreign("theirs", 5);
        await ReturnAsync();
        await FailAsync();
        await ReplicaServesAsync();

        Assert.Equal(["theirs", "new", null], await MembersAsync());
    }

    [Fact]
    public async Task A_set_after_which_somebody_removed_the_whole_group_is_not_read_in_the_next_outage()
    {
        await StartWithReplicaAsync();
        A.Replication.Acknowledged = 0;
        await FailAsync();
        await SetGroupAsync("a");
        var later = ForeignTombstone(5);
        A.Run("group-remove-all", GroupKeys.IndexOf("g"), ["0"u8.ToArray(), Encoding.UTF8.GetBytes(GroupKeys.RemovalOf("g")), later[2..10], later]);
        await ReturnAsync();
        await FailAsync();
        await ReplicaServesAsync();

        Assert.Equal([null, null, null], await MembersAsync());
    }

    [Theory]
    [InlineData("TIMEOUT")]
    [InlineData("LOST")]
    [InlineData("READONLY You can't write against a read only replica.")]
    [InlineData("MISCONF Redis is configured to save RDB snapshots.")]
    [InlineData("OOM command not allowed when used memory > 'maxmemory'.")]
    public async Task A_set_that_fails_is_read_back_at_once_and_delivered(string fault)
    {
        await StartAsync();
        await SetAsync("{g}:a", "old");
        await UntilProvenAsync();
        A.AnswerEntry = command => command == "group-write" ? Fault(A, fault) : null;

        await SetGroupAsync("a", "b");
        Assert.Equal(["new", "new", null], await MembersAsync());

        A.AnswerEntry = static _ => null;
        await UntilProvenAsync();
        Assert.Equal(("new", "new"), (On(A, "{g}:a"), On(A, "{g}:b")));
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier)]
    [InlineData(FailoverMode.Bypass)]
    [InlineData(FailoverMode.Throw)]
    public async Task A_set_that_the_server_s_configuration_forbids_throws_and_is_not_kept(FailoverMode mode)
    {
        await StartAsync(mode);
        FailNext(A, "group-write", "NOPERM this user has no permissions to run the 'evalsha' command");

        await Assert.ThrowsAsync<ShardUnavailableException>(() => SetGroupAsync("a", "b"));

        Assert.Equal(0, Cache.JournalBytes);
        Assert.Equal([null, null, null], await MembersAsync());
    }

    [Fact]
    public async Task A_set_that_is_forbidden_when_it_is_replayed_leaves_nothing_in_the_journal()
    {
        await StartAsync();
        await FailAsync();
        await SetGroupAsync("a", "b");
        A.AnswerEntry = static command => command == "group-write" ? Reply.FromError("NOPERM this user has no permissions") : null;

        await ReturnAsync();

        await UntilProvenAsync();
    }

    [Fact]
    public async Task Bypassed_a_set_invalidates_its_members_when_the_shard_returns()
    {
        await StartAsync(FailoverMode.Bypass);
        await SetAsync("{g}:a", "old");
        await FailAsync();
        await SetGroupAsync("a", "b");
        Assert.Equal([null, null, null], await MembersAsync());

        await ReturnAsync();

        Assert.Equal([null, null, null], await MembersAsync());
    }

    private Task SetGroupAsync(params string[] members) => SetGroupAsync(new(), members);

    private Task SetGroupAsync(DistributedCacheEntryOptions options, params string[] members) =>
        Group.SetAsync([.. members.Select(static member => KeyValuePair.Create("{g}:" + member, "new"u8.ToArray()))], options, Token);

    private async Task<IEnumerable<string?>> MembersAsync() => (await Cache.GetManyAsync(["{g}:a", "{g}:b", "{g}:c"], Token)).Select(Text).ToList();
}
