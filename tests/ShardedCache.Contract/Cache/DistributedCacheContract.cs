using System.Runtime.CompilerServices;
using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.Contract.Cache;

/// <summary>
/// What every cache of the library promises as an <see cref="IDistributedCache"/> and an
/// <see cref="IBufferDistributedCache"/>. Keys are unique to a test, so that tests can share one cache. The promises about
/// time are in <see cref="ExpirationContract"/>, those about arguments in <see cref="ArgumentContract"/>.
/// </summary>
public abstract class DistributedCacheContract
{
    public static TheoryData<CacheAccess> EveryAccess { get; } = [.. Enum.GetValues<CacheAccess>()];

    protected abstract IShardedCache Cache { get; }

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task A_key_that_was_never_set_is_a_miss(CacheAccess access)
    {
        Assert.Null(await User(access).GetAsync(Key()));
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task What_one_method_set_every_method_reads(CacheAccess access)
    {
        foreach (var size in (int[])[1, 128, 5_000, 300_000])
        {
            var value = new byte[size];
            Random.Shared.NextBytes(value);
            var key = Key();

            await User(access).SetAsync(key, value);

            foreach (var reader in Enum.GetValues<CacheAccess>())
            {
                Assert.Equal(value, await User(reader).GetAsync(key));
            }
        }
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task Setting_again_replaces_the_value(CacheAccess access)
    {
        var (key, user) = (Key(), User(access));
        await user.SetTextAsync(key, "a first value that is the longer one");

        await user.SetTextAsync(key, "second");

        Assert.Equal("second", await user.GetTextAsync(key));
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task A_removed_entry_is_a_miss_and_can_be_set_again(CacheAccess access)
    {
        var (key, user) = (Key(), User(access));
        await user.SetTextAsync(key, "value");

        await user.RemoveAsync(key);
        Assert.Null(await user.GetAsync(key));
        await user.RefreshAsync(key);
        Assert.Null(await user.GetAsync(key));

        await user.SetTextAsync(key, "again");
        Assert.Equal("again", await user.GetTextAsync(key));
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task Removing_and_refreshing_what_is_not_there_does_nothing(CacheAccess access)
    {
        var (key, user) = (Key(), User(access));

        await user.RemoveAsync(key);
        await user.RefreshAsync(key);

        Assert.Null(await user.GetAsync(key));
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task An_empty_value_is_a_hit(CacheAccess access)
    {
        var (key, user) = (Key(), User(access));

        await user.SetAsync(key, []);

        Assert.Equal(string.Empty, await user.GetTextAsync(key));
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task Keys_are_told_apart_by_case_and_by_every_other_character(CacheAccess access)
    {
        var user = User(access);
        var key = Key();
        string[] keys =
        [
            key + "a", key + "A", key + " a", key + "a ", key + "\u00e9", key + "e\u0301", key + "\U0001F600", key + "\0", key + "\r\n", key + "{a}", key + "{}",
        ];
        foreach (var one in keys)
        {
            await user.SetTextAsync(one, "value of " + one);
        }

        foreach (var one in keys)
        {
            Assert.Equal("value of " + one, await user.GetTextAsync(one));
        }
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task A_key_may_be_long_but_neither_empty_nor_longer_than_64_KiB(CacheAccess access)
    {
        var user = User(access);
        var longest = Key().PadRight(60 * 1024, 'k');

        await user.SetTextAsync(longest, "value");
        Assert.Equal("value", await user.GetTextAsync(longest));

        foreach (var bad in new[] { string.Empty, new string('k', (64 * 1024) + 1), new string('ä', 40 * 1024), new string('k', 1024 * 1024) })
        {
            await Assert.ThrowsAsync<ArgumentException>(() => user.SetTextAsync(bad, "value"));
            var refused = await Assert.ThrowsAsync<ArgumentException>(() => user.GetAsync(bad));
            Assert.DoesNotContain("kkkk", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_array_that_was_read_belongs_to_the_caller()
    {
        var (key, user) = (Key(), User(CacheAccess.ArrayAsync));
        await user.SetTextAsync(key, "value");

        Array.Clear((await user.GetAsync(key))!);

        Assert.Equal("value", await user.GetTextAsync(key));
    }

    [Fact]
    public async Task Many_callers_at_once_each_get_what_they_asked_for()
    {
        var (key, user) = (Key(), User(CacheAccess.BufferAsync));

        await Parallel.ForEachAsync(Enumerable.Range(0, 2000), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
        {
            await user.SetTextAsync($"{key}-{i}", $"value {i}");
            Assert.Equal($"value {i}", await user.GetTextAsync($"{key}-{i}"));
        });
    }

    private protected CacheUser User(CacheAccess access) => new(Cache, access);

    protected static string Key([CallerMemberName] string test = "") => $"{test}-{Guid.NewGuid():N}";
}
