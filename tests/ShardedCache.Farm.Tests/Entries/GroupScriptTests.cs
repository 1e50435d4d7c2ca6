using ShardedCache.Entries;
using StackExchange.Redis;

namespace ShardedCache.Farm.Tests.Entries;

/// <summary>The scripts over a group's keys. Each test has a group of its own.</summary>
public class GroupScriptTests : ScriptTests, IClassFixture<OneServer>
{
    private readonly string _group = $"{{{Guid.NewGuid()}}}";
    private readonly string _index;
    private readonly string _removal;

    public GroupScriptTests(OneServer server)
        : base(server) => (_index, _removal) = ($"index:{_group}", $"index:{_group}:removed");

    [Fact]
    public async Task Members_are_written_together_and_the_index_knows_when_each_expires()
    {
        var before = await NowAsync();
        Assert.Equal(1, await WriteAsync(Stamp, ("a", Value(Stamp, 1), "60000"), ("b", Value(Stamp, 2, 0xFF), "30000")));

        Assert.Equal(Value(Stamp, 1), await StoredAsync(Member("a")));
        Assert.Equal(Value(Stamp, 2, 0xFF), await StoredAsync(Member("b")));
        await AssertLivesForAsync(Member("a"), Minute);
        await AssertLivesForAsync(Member("b"), Minute / 2);
        await AssertLivesForAsync(_index, Minute);
        var after = await NowAsync();
        Assert.InRange(await ScoreAsync("a"), before + 60_000, after + 60_000);
        Assert.InRange(await ScoreAsync("b"), before + 30_000, after + 30_000);
    }

    [Fact]
    public async Task An_index_with_a_member_that_never_expires_does_not_expire_until_that_is_removed()
    {
        await WriteAsync(Stamp, ("a", Value(Stamp, 1), "60000"), ("b", Value(Stamp, 2), ""));
        Assert.Equal(double.PositiveInfinity, await ScoreAsync("b"));
        await AssertLivesForAsync(_index, null);

        await WriteAsync(Later, ("b", Tombstone(Later), "120000"));

        await AssertLivesForAsync(_index, Minute);
        Assert.Equal([Member("a")], await MembersAsync());
    }

    [Fact]
    public async Task A_removed_member_leaves_a_tombstone_and_the_index()
    {
        await WriteAsync(Stamp, ("a", Value(Stamp, 1), "60000"), ("b", Value(Stamp, 2), "60000"));

        Assert.Equal(1, await WriteAsync(Later, ("a", Tombstone(Later), "120000"), ("never there", Tombstone(Later), "120000")));

        Assert.Equal(Tombstone(Later), await StoredAsync(Member("a")));
        Assert.Equal([Member("b")], await MembersAsync());
        await WriteAsync(Later, ("b", Tombstone(Later), "120000"));
        Assert.False(await Database.KeyExistsAsync(_index));
    }

    [Fact]
    public async Task A_replayed_write_leaves_what_is_later_member_by_member()
    {
        await WriteAsync(Stamp, ("a", Value(Stamp, 1), "60000"));
        await StoreAsync(Member("b"), Value(MuchLater, 9), 10 * Minute);

        Assert.Equal(0, await ReplayAsync(Later, ("a", Value(Later, 2), "60000"), ("b", Value(Later, 2), "60000"), ("c", Value(Later, 2), "60000")));

        Assert.Equal(Value(Later, 2), await StoredAsync(Member("a")));
        Assert.Equal(Value(MuchLater, 9), await StoredAsync(Member("b")));
        await AssertLivesForAsync(Member("b"), 10 * Minute);
        Assert.Equal(Value(Later, 2), await StoredAsync(Member("c")));
    }

    [Fact]
    public async Task A_first_write_replaces_whatever_is_there_because_its_stamp_is_the_latest_that_the_writer_knows()
    {
        await StoreAsync(Member("a"), Value(MuchLater, 9));

        Assert.Equal(1, await WriteAsync(Stamp, ("a", Value(Stamp, 1), "60000")));

        Assert.Equal(Value(Stamp, 1), await StoredAsync(Member("a")));
    }

    [Fact]
    public async Task A_replay_of_the_same_write_changes_nothing()
    {
        await WriteAsync(Stamp, ("a", Value(Stamp, 1), "60000"), ("b", Value(Stamp, 2), "60000"));
        var before = await MembersAsync();

        Assert.Equal(1, await ReplayAsync(Stamp, ("a", Value(Stamp, 1), "60000"), ("b", Value(Stamp, 2), "60000")));

        Assert.Equal(Value(Stamp, 1), await StoredAsync(Member("a")));
        Assert.Equal(before, await MembersAsync());
    }

    [Fact]
    public async Task Removing_the_whole_group_leaves_a_tombstone_of_each_member_and_no_index()
    {
        await WriteAsync(Stamp, ("a", Value(Stamp, 1), "60000"), ("b", Value(Stamp, 2), ""));
        await StoreAsync(Member("stranger"), Value(Stamp, 3));

        Assert.Equal(2, await RemoveAllAsync(Later));

        Assert.Equal(Tombstone(Later), await StoredAsync(Member("a")));
        Assert.Equal(Tombstone(Later), await StoredAsync(Member("b")));
        await AssertLivesForAsync(Member("b"), 2 * Minute);
        Assert.Equal(Value(Stamp, 3), await StoredAsync(Member("stranger")));
        Assert.False(await Database.KeyExistsAsync(_index));
        Assert.Equal(Later.ToBytes(), await StoredAsync(_removal));
        await AssertLivesForAsync(_removal, 2 * Minute);
    }

    [Fact]
    public async Task A_removal_of_the_whole_group_blocks_the_replay_of_an_older_write_and_no_later_one()
    {
        await RemoveAllAsync(Later);

        Assert.Equal(-1, await ReplayAsync(Stamp, ("a", Value(Stamp, 1), "60000"), ("b", Value(Stamp, 1), "60000")));
        Assert.False(await Database.KeyExistsAsync(Member("a")));
        Assert.False(await Database.KeyExistsAsync(_index));

        Assert.Equal(1, await ReplayAsync(Later, ("a", Value(Later, 1), "60000")));
        Assert.Equal(1, await ReplayAsync(MuchLater, ("b", Value(MuchLater, 1), "60000")));
        Assert.Equal([Member("a"), Member("b")], (await MembersAsync()).Order());
    }

    [Fact]
    public async Task A_replayed_removal_of_the_whole_group_leaves_later_members_and_a_later_removal()
    {
        await WriteAsync(Stamp, ("a", Value(Stamp, 1), "60000"));
        await WriteAsync(MuchLater, ("b", Value(MuchLater, 2), "60000"));

        Assert.Equal(1, await RemoveAllAsync(Later, isReplay: true));
        Assert.Equal(0, await RemoveAllAsync(Stamp, isReplay: true));

        Assert.Equal(Tombstone(Later), await StoredAsync(Member("a")));
        Assert.Equal(Value(MuchLater, 2), await StoredAsync(Member("b")));
        Assert.Equal([Member("b")], await MembersAsync());
        Assert.Equal(Later.ToBytes(), await StoredAsync(_removal));
    }

    [Fact]
    public async Task Writing_cleans_the_index_of_members_that_have_expired()
    {
        await WriteAsync(Stamp, ("brief", Value(Stamp, 1), "20"), ("long", Value(Stamp, 1), "60000"));
        await Eventually.HoldsAsync(async () => !await Database.KeyExistsAsync(Member("brief")), "the brief member has expired");

        await WriteAsync(Later, ("other", Value(Later, 1), "60000"));

        Assert.Equal([Member("long"), Member("other")], (await MembersAsync()).Order());
    }

    [Fact]
    public async Task A_sliding_member_that_was_touched_beyond_its_first_expiry_stays_in_the_index()
    {
        await WriteAsync(Stamp, ("slides", Sliding(Stamp, 300), "300"));
        var firstExpiry = await ScoreAsync("slides");
        await RunAsync(EntryScripts.Touch, Member("slides"), Stamp.ToBytes(), 90_000, _index);
        await Eventually.HoldsAsync(async () => await NowAsync() > firstExpiry, "its first expiry is past");

        await WriteAsync(Later, ("other", Value(Later, 1), "1000"));

        Assert.Contains(Member("slides"), await MembersAsync());
        await AssertLivesForAsync(_index, TimeSpan.FromSeconds(90));
        await RemoveAllAsync(MuchLater);
        Assert.Equal(Tombstone(MuchLater), await StoredAsync(Member("slides")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_index_lives_as_long_as_a_touched_member_also_after_a_write_before_the_members_first_expiry(bool touched)
    {
        await WriteAsync(Stamp, ("slides", Sliding(Stamp, 160_000), "60000"));
        Assert.Equal(1, touched
            ? await RunAsync(EntryScripts.Touch, Member("slides"), Stamp.ToBytes(), 170_000, _index)
            : await RunAsync(EntryScripts.Refresh, Member("slides"), "0", _index));

        await WriteAsync(Later, ("other", Value(Later, 1), "1000"));

        await AssertLivesForAsync(Member("slides"), TimeSpan.FromSeconds(170));
        await AssertLivesForAsync(_index, TimeSpan.FromSeconds(170));
    }

    [Fact]
    public async Task A_touched_member_that_is_replayed_whole_prolongs_its_index_and_a_stranger_makes_none()
    {
        await WriteAsync(Stamp, ("slides", Sliding(Stamp, 160_000), "60000"));

        Assert.Equal(1, await RunAsync(EntryScripts.Replay, Member("slides"), Sliding(Stamp, 160_000), 170_000, _index, "stamp", ""));
        Assert.Equal(1, await RunAsync(EntryScripts.Replay, Member("stranger"), Sliding(Stamp, 160_000), 170_000, _index, "stamp", ""));
        await WriteAsync(Later, ("other", Value(Later, 1), "1000"));

        await AssertLivesForAsync(Member("slides"), TimeSpan.FromSeconds(170));
        await AssertLivesForAsync(_index, TimeSpan.FromSeconds(170));
        Assert.Equal([Member("other"), Member("slides")], (await MembersAsync()).Order());
    }

    [Fact]
    public async Task A_member_that_does_not_stay_long_enough_leaves_its_stamp_and_an_older_one_that_is_replayed_yields_to_that()
    {
        await WriteAsync("0", Later, [("a", Sliding(Later, 1000, 1), "1000")], lastStampLife: "120000");
        await AssertLivesForAsync(LastStamp("a"), 2 * Minute);
        await Database.KeyDeleteAsync(Member("a"));

        Assert.Equal(0, await ReplayAsync(Stamp, ("a", Value(Stamp, 2), "60000")));

        Assert.Null(await StoredAsync(Member("a")));
        Assert.Equal(1, await ReplayAsync(MuchLater, ("a", Value(MuchLater, 3), "60000")));
    }

    [Fact]
    public async Task After_everything_has_expired_no_key_is_left()
    {
        await WriteAsync(Stamp, ("a", Sliding(Stamp, 150), "150"), ("b", Value(Stamp, 1), "100"));
        await RunAsync(EntryScripts.Refresh, Member("a"), "0", _index);
        await RemoveAllAsync(Later, tombstoneLife: 150);
        await WriteAsync(MuchLater, ("c", Value(MuchLater, 1), "150"), ("d", Tombstone(MuchLater), "150"));

        RedisKey[] keys = [_index, _removal, Member("a"), Member("b"), Member("c"), Member("d")];
        Assert.InRange(await Database.KeyExistsAsync(keys), 1, 6);

        await Eventually.HoldsAsync(async () => await Database.KeyExistsAsync(keys) == 0, "no key of the group is left");
    }

    [Fact]
    public async Task A_replay_yields_to_the_same_version_where_its_own_is_over_and_never_shortens_that()
    {
        await WriteAsync(Stamp, ("a", Sliding(Stamp, 120_000, 1), "120000"), ("b", Sliding(Stamp, 120_000, 2), "120000"));

        Assert.Equal(0, await ReplayAsync(Stamp, ("a", Tombstone(Stamp.Before()), "120000"), ("b", Sliding(Stamp, 120_000, 2), "1000")));

        Assert.Equal(Sliding(Stamp, 120_000, 1), await StoredAsync(Member("a")));
        Assert.Equal(Sliding(Stamp, 120_000, 2), await StoredAsync(Member("b")));
        await AssertLivesForAsync(Member("b"), 2 * Minute);
        Assert.Equal(2, (await MembersAsync()).Length);

        Assert.Equal(1, await ReplayAsync(Stamp, ("b", Sliding(Stamp, 120_000, 2), "300000")));
        await AssertLivesForAsync(Member("b"), 5 * Minute);
        Assert.True(await ScoreAsync("b") > await ScoreAsync("a") + 120_000);
    }

    private string Member(string name) => $"{_group}:{name}";

    private string LastStamp(string name) => $"stamp:{Member(name)}";

    private Task<long> WriteAsync(Stamp stamp, params (string Name, byte[] Bytes, string Life)[] members) => WriteAsync("0", stamp, members);

    private Task<long> ReplayAsync(Stamp stamp, params (string Name, byte[] Bytes, string Life)[] members) =>
        WriteAsync($"{DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()}", stamp, members);

    private Task<long> WriteAsync(string guard, Stamp stamp, (string Name, byte[] Bytes, string Life)[] members, string lastStampLife = "") => RunAsync(
        GroupScripts.Write,
        _index,
        [guard, _removal, stamp.ToBytes(), .. members.SelectMany(member => new RedisValue[] { Member(member.Name), member.Bytes, member.Life, LastStamp(member.Name), lastStampLife })]);

    private Task<long> RemoveAllAsync(Stamp stamp, bool isReplay = false, long tombstoneLife = 120_000) =>
        RunAsync(GroupScripts.RemoveAll, _index, isReplay ? "1" : "0", _removal, stamp.ToBytes(), Tombstone(stamp), tombstoneLife);

    private async Task<string[]> MembersAsync() =>
        [.. (await Database.SortedSetRangeByRankAsync(_index)).Select(static member => member.ToString())];

    private async Task<double> ScoreAsync(string name) => await Database.SortedSetScoreAsync(_index, Member(name)) ?? 0;

    [Fact]
    public async Task A_member_that_is_gone_is_not_brought_back_where_the_whole_group_was_removed_later()
    {
        var removal = $"{_index}:removed";
        await Database.StringSetAsync(removal, Later.ToBytes());
        var now = $"{await NowAsync()}";

        Assert.Equal(-1, await RunAsync(EntryScripts.Replay, Member("older"), Value(Stamp, 1), "60000", _index, "stamp", "", now, removal));
        Assert.Equal(1, await RunAsync(EntryScripts.Replay, Member("later"), Value(MuchLater, 1), "60000", _index, "stamp", "", now, removal));
        Assert.Equal(1, await RunAsync(EntryScripts.Replay, Member("no member"), Value(Stamp, 1), "60000", _index, "stamp", "", now, ""));
        Assert.Null(await StoredAsync(Member("older")));

        // What is there still was none of the members that were removed.
        await StoreAsync(Member("there"), Value(Stamp, 1), Minute);
        Assert.Equal(1, await RunAsync(EntryScripts.Replay, Member("there"), Value(Stamp, 1), "120000", _index, "stamp", "", now, removal));
    }

    private async Task<long> NowAsync()
    {
        var time = (RedisResult[])(await Database.ExecuteAsync("TIME"))!;
        return ((long)time[0] * 1000) + ((long)time[1] / 1000);
    }
}
