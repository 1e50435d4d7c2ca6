using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.Contract.Cache;

/// <summary>What every cache of the library promises about key groups. Groups are unique to a test, so that tests can share one cache.</summary>
public abstract class KeyGroupContract
{
    private protected static readonly DistributedCacheEntryOptions NoExpiration = new();

    protected abstract IShardedCache Cache { get; }

    /// <summary>Another instance over the same entries, as in another process; the same one where there can be no other.</summary>
    protected abstract IShardedCache Other { get; }

    /// <summary>The cache's limit for a value, in bytes.</summary>
    protected abstract int MaximumPayloadBytes { get; }

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Several_members_are_set_at_once_and_read_by_their_keys()
    {
        var group = Group();

        await group.SetAsync(Entries(group, ("cart", "book"), ("name", ""), ("ü 😀", "odd")), NoExpiration, Cancellation);

        Assert.Equal(["book", "", "odd", null], await ReadAsync(Cache, group, "cart", "name", "ü 😀", "missing"));
        Assert.Equal(["book", "", "odd", null], await ReadAsync(Other, group, "cart", "name", "ü 😀", "missing"));
    }

    [Fact]
    public async Task Setting_again_replaces_the_members_that_are_given_and_leaves_the_others()
    {
        var group = Group();
        await group.SetAsync(Entries(group, ("a", "the first and longer one"), ("b", "first")), NoExpiration, Cancellation);

        await group.SetAsync(Entries(group, ("a", "second"), ("c", "second")), NoExpiration, Cancellation);

        Assert.Equal(["second", "first", "second"], await ReadAsync(Other, group, "a", "b", "c"));
    }

    [Fact]
    public async Task Several_members_are_removed_at_once_and_those_without_an_entry_are_no_error()
    {
        var group = Group();
        await group.SetAsync(Entries(group, ("a", "1"), ("b", "2"), ("c", "3")), NoExpiration, Cancellation);

        await group.RemoveAsync([group.Key("a"), group.Key("missing"), group.Key("b"), group.Key("a")], Cancellation);

        Assert.Equal([null, null, "3", null], await ReadAsync(Cache, group, "a", "b", "c", "missing"));
        Assert.Equal([null, null, "3", null], await ReadAsync(Other, group, "a", "b", "c", "missing"));
    }

    [Fact]
    public async Task The_whole_group_is_removed_with_what_another_instance_had_set_and_no_other_group()
    {
        var group = Group();
        var neighbour = Cache.CreateKeyGroup(group.Name + ":");
        await neighbour.SetAsync(Entries(neighbour, ("a", "stays")), NoExpiration, Cancellation);
        await group.SetAsync(Entries(group, ("a", "1"), ("b", "2")), NoExpiration, Cancellation);
        await Other.CreateKeyGroup(group.Name).SetAsync(Entries(group, ("c", "3")), NoExpiration, Cancellation);

        await group.RemoveAllAsync(Cancellation);

        Assert.Equal([null, null, null], await ReadAsync(Cache, group, "a", "b", "c"));
        Assert.Equal([null, null, null], await ReadAsync(Other, group, "a", "b", "c"));
        Assert.Equal(["stays"], await ReadAsync(Cache, neighbour, "a"));
    }

    [Fact]
    public async Task A_group_that_was_removed_can_be_set_again_by_whoever_removed_it_and_by_others()
    {
        var group = Group();
        await group.RemoveAllAsync(Cancellation);
        for (var round = 1; round <= 3; round++)
        {
            await group.SetAsync(Entries(group, ("a", $"{round}")), NoExpiration, Cancellation);
            await Other.CreateKeyGroup(group.Name).SetAsync(Entries(group, ("b", $"{round}")), NoExpiration, Cancellation);
            Assert.Equal([$"{round}", $"{round}"], await ReadAsync(Cache, group, "a", "b"));

            await (round % 2 == 0 ? group : Other.CreateKeyGroup(group.Name)).RemoveAllAsync(Cancellation);
            Assert.Equal([null, null], await ReadAsync(Cache, group, "a", "b"));
            Assert.Equal([null, null], await ReadAsync(Other, group, "a", "b"));
        }
    }

    [Fact]
    public async Task A_member_is_refreshed_and_removed_alone_like_any_entry_and_a_key_set_alone_is_no_member()
    {
        var group = Group();
        await group.SetAsync(Entries(group, ("a", "1"), ("b", "2")), NoExpiration, Cancellation);
        await Cache.SetStringAsync(group.Key("alone"), "stays", Cancellation);

        await Cache.RefreshAsync(group.Key("a"), Cancellation);
        await Cache.RemoveAsync(group.Key("b"), Cancellation);
        Assert.Equal(["1", null, "stays"], await ReadAsync(Cache, group, "a", "b", "alone"));

        await group.RemoveAllAsync(Cancellation);
        Assert.Equal([null, null, "stays"], await ReadAsync(Cache, group, "a", "b", "alone"));
    }

    [Fact]
    public async Task A_group_may_have_a_thousand_members()
    {
        var group = Group();
        var names = Enumerable.Range(0, 1000).Select(i => $"{i}").ToArray();

        await group.SetAsync(Entries(group, [.. names.Select(name => (name, "value " + name))]), NoExpiration, Cancellation);
        Assert.Equal(names.Select(name => "value " + name), await ReadAsync(Cache, group, names));

        await group.RemoveAllAsync(Cancellation);
        Assert.All(await ReadAsync(Other, group, names), Assert.Null);
    }

    [Theory]
    [InlineData(":")]
    [InlineData(" ")]
    [InlineData("Ü 😀")]
    [InlineData("\0")]
    [InlineData("\r\n")]
    [InlineData("*?[a-z]\\")]
    [InlineData(":removed")]
    [InlineData("%d %s")]
    [InlineData("'\"]]")]
    public async Task A_group_s_name_may_hold_any_characters_but_braces(string odd)
    {
        var name = odd + Guid.NewGuid().ToString("N") + odd;
        var group = Cache.CreateKeyGroup(name);
        Assert.Equal(name, group.Name);
        Assert.Equal($"{{{name}}}:{odd}", group.Key(odd));

        await group.SetAsync(Entries(group, (odd, "odd"), ("plain", "plain")), NoExpiration, Cancellation);
        Assert.Equal(["odd", "plain"], await ReadAsync(Other, group, odd, "plain"));

        await group.RemoveAllAsync(Cancellation);
        Assert.Equal([null, null], await ReadAsync(Other, group, odd, "plain"));
    }

    [Fact]
    public void All_keys_of_a_group_are_on_its_shard()
    {
        foreach (var i in Enumerable.Range(0, 50))
        {
            var group = Cache.CreateKeyGroup($"user:{i}");

            Assert.Equal(group.Shard, Cache.GetShard(group.Key("a")));
            Assert.Equal(group.Shard, Cache.GetShard(group.Key("{b}")));
            Assert.Equal(group.Shard, Other.CreateKeyGroup(group.Name).Shard);
        }
    }

    [Fact]
    public async Task All_members_of_one_set_expire_together()
    {
        var group = Group();

        await group.SetAsync(Entries(group, ("a", "1"), ("b", "2")), new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(100) }, Cancellation);

        await GoneAsync(group, "a");
        await GoneAsync(group, "b");
    }

    [Fact]
    public async Task A_sliding_member_lives_on_while_it_is_read_and_can_then_still_be_removed_with_its_group()
    {
        var group = Group();
        var window = TimeSpan.FromMilliseconds(1500);
        await group.SetAsync(Entries(group, ("read", "1"), ("left alone", "2")), new() { SlidingExpiration = window }, Cancellation);
        var started = TimeProvider.System.GetTimestamp();
        var last = started;
        while (TimeProvider.System.GetElapsedTime(started) < window * 2)
        {
            var asked = TimeProvider.System.GetTimestamp();
            var value = await Cache.GetStringAsync(group.Key("read"), Cancellation);
            Assert.True(value == "1" || TimeProvider.System.GetElapsedTime(last) >= window, "it expired within its window");
            last = asked;
            await Task.Delay(20, Cancellation);
        }

        Assert.Null(await Cache.GetAsync(group.Key("left alone"), Cancellation));
        await Other.CreateKeyGroup(group.Name).RemoveAllAsync(Cancellation);
        Assert.Null(await Cache.GetAsync(group.Key("read"), Cancellation));
    }

    [Fact]
    public async Task Nothing_to_set_or_to_remove_is_no_error()
    {
        var group = Group();

        await group.SetAsync([], NoExpiration, Cancellation);
        await group.RemoveAsync([], Cancellation);
        await group.RemoveAllAsync(Cancellation);
    }

    [Fact]
    public async Task A_bad_argument_is_refused_and_leaves_nothing_half_done()
    {
        var group = Group();
        await group.SetAsync(Entries(group, ("a", "old")), NoExpiration, Cancellation);
        var good = KeyValuePair.Create(group.Key("a"), "new"u8.ToArray());
        var past = new DistributedCacheEntryOptions { AbsoluteExpiration = DateTimeOffset.UtcNow.AddMinutes(-1) };

        await Assert.ThrowsAsync<ArgumentNullException>("entries", () => group.SetAsync(null!, NoExpiration, Cancellation));
        await Assert.ThrowsAsync<ArgumentNullException>("options", () => group.SetAsync([good], null!, Cancellation));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => group.SetAsync([good], past, Cancellation));
        await RefusedAsync(good);
        await RefusedAsync(new(null!, [1]));
        await RefusedAsync(new(group.Key("b"), null!));
        await RefusedAsync(new(group.Key("b"), new byte[MaximumPayloadBytes + 1]));
        await RefusedAsync(new(group.Key("\ud83d"), [1]));
        await Assert.ThrowsAsync<ArgumentNullException>("keys", () => group.RemoveAsync(null!, Cancellation));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => group.RemoveAsync([good.Key, null!], Cancellation));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => group.RemoveAsync([good.Key, group.Key("\ud83d")], Cancellation));
        Assert.ThrowsAny<ArgumentException>(() => group.Key(string.Empty));
        Assert.ThrowsAny<ArgumentException>(() => group.Key(null!));

        Assert.Equal(["old", null], await ReadAsync(Cache, group, "a", "b"));

        async Task RefusedAsync(KeyValuePair<string, byte[]> bad) =>
            await Assert.ThrowsAnyAsync<ArgumentException>(() => group.SetAsync([good, bad], NoExpiration, Cancellation));
    }

    [Fact]
    public async Task A_key_that_is_not_of_the_group_is_refused_although_it_is_on_the_same_shard()
    {
        var group = Group();
        foreach (var stranger in (string[])[$"{{{group.Name}}}stranger", $"x{group.Key("a")}", $"{{{group.Name}}}"])
        {
            Assert.Equal(group.Shard, Cache.GetShard(stranger));

            var onSet = await Assert.ThrowsAsync<ArgumentException>(
                () => group.SetAsync([KeyValuePair.Create(group.Key("a"), Array.Empty<byte>()), KeyValuePair.Create(stranger, Array.Empty<byte>())], NoExpiration, Cancellation));
            await Assert.ThrowsAsync<ArgumentException>(() => group.RemoveAsync([stranger], Cancellation));

            Assert.Contains(stranger, onSet.Message, StringComparison.Ordinal);
            Assert.Contains($"{{{group.Name}}}:", onSet.Message, StringComparison.Ordinal);
            Assert.Null(await Cache.GetAsync(stranger, Cancellation));
        }

        Assert.Null(await Cache.GetAsync(group.Key("a"), Cancellation));
    }

    [Fact]
    public void A_name_that_makes_no_hash_tag_is_refused() =>
        Assert.All((string?[])["", null, "{", "a}b", "\ud83d"], name => Assert.ThrowsAny<ArgumentException>(() => Cache.CreateKeyGroup(name!)));

    [Fact]
    public async Task What_is_cancelled_before_it_starts_is_not_done()
    {
        var group = Group();
        var cancelled = new CancellationToken(canceled: true);
        await group.SetAsync(Entries(group, ("a", "old")), NoExpiration, Cancellation);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => group.SetAsync(Entries(group, ("a", "new")), NoExpiration, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => group.RemoveAsync([group.Key("a")], cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => group.RemoveAllAsync(cancelled));

        Assert.Equal(["old"], await ReadAsync(Cache, group, "a"));
    }

    private protected static KeyValuePair<string, byte[]>[] Entries(IKeyGroup group, params (string Member, string Value)[] members) =>
        [.. members.Select(member => KeyValuePair.Create(group.Key(member.Member), Encoding.UTF8.GetBytes(member.Value)))];

    private protected static async Task<string?[]> ReadAsync(IShardedCache cache, IKeyGroup group, params string[] members) =>
        [.. (await cache.GetManyAsync([.. members.Select(group.Key)], Cancellation)).Select(static value => value is null ? null : Encoding.UTF8.GetString(value))];

    private protected IKeyGroup Group([CallerMemberName] string test = "") => Cache.CreateKeyGroup($"{test}-{Guid.NewGuid():N}");

    private async Task GoneAsync(IKeyGroup group, string member)
    {
        while (await Cache.GetAsync(group.Key(member), Cancellation) is not null)
        {
            await Task.Delay(10, Cancellation);
        }
    }
}
