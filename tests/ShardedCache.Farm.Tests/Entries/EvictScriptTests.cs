using ShardedCache.Entries;
using StackExchange.Redis;

namespace ShardedCache.Farm.Tests.Entries;

public class EvictScriptTests(OneServer server) : ScriptTests(server), IClassFixture<OneServer>
{
    private readonly RedisKey _index = $"index-{Guid.NewGuid()}";

    [Fact]
    public async Task An_eviction_removes_what_is_older_or_of_the_same_stamp()
    {
        foreach (var stored in (byte[][])[Value(Stamp, 1), Tombstone(Stamp), Value(Later, 1)])
        {
            await StoreAsync(Key, stored);

            Assert.Equal(1, await RunAsync(EntryScripts.Evict, Key, Later.ToBytes()));

            Assert.False(await Database.KeyExistsAsync(Key));
        }

        Assert.Equal(0, await RunAsync(EntryScripts.Evict, Key, Later.ToBytes()));
    }

    [Fact]
    public async Task An_eviction_leaves_a_later_entry()
    {
        foreach (var later in (Stamp[])[Later, MuchLater])
        {
            await StoreAsync(Key, Value(later, 1));

            Assert.Equal(0, await RunAsync(EntryScripts.Evict, Key, Stamp.ToBytes()));

            Assert.Equal(Value(later, 1), await StoredAsync(Key));
        }
    }

    [Fact]
    public async Task An_eviction_removes_foreign_bytes_and_other_types()
    {
        await StoreAsync(Key, "text"u8.ToArray());
        Assert.Equal(1, await RunAsync(EntryScripts.Evict, Key, Stamp.ToBytes()));

        await Database.HashSetAsync(Key, "data", "x");
        Assert.Equal(1, await RunAsync(EntryScripts.Evict, Key, Stamp.ToBytes()));

        Assert.False(await Database.KeyExistsAsync(Key));
    }

    [Fact]
    public async Task A_refresh_that_was_held_back_prolongs_by_what_is_left_of_the_window()
    {
        await StoreAsync(Key, Sliding(Stamp, 160_000), TimeSpan.FromSeconds(1));

        Assert.Equal(1, await RunAsync(EntryScripts.Refresh, Key, "50000"));

        await AssertLivesForAsync(Key, TimeSpan.FromSeconds(120));
    }

    [Fact]
    public async Task A_refresh_that_was_held_back_longer_than_the_window_does_nothing()
    {
        await StoreAsync(Key, Sliding(Stamp, 160_000), Minute);

        Assert.Equal(0, await RunAsync(EntryScripts.Refresh, Key, "170000"));

        await AssertLivesForAsync(Key, Minute);
    }

    [Fact]
    public async Task A_touch_and_a_refresh_let_the_index_of_the_group_live_as_long_as_its_member()
    {
        await StoreAsync(Key, Sliding(Stamp, 160_000), Minute);
        await AddToIndexAsync(Minute);

        Assert.Equal(1, await RunAsync(EntryScripts.Touch, Key, Stamp.ToBytes(), 165_000, _index.ToString()));
        await AssertLivesForAsync(_index, TimeSpan.FromSeconds(165));

        Assert.Equal(1, await RunAsync(EntryScripts.Refresh, Key, "0", _index.ToString()));
        await AssertLivesForAsync(_index, TimeSpan.FromSeconds(170));
    }

    [Fact]
    public async Task A_touch_and_a_refresh_neither_shorten_an_index_nor_make_one()
    {
        await StoreAsync(Key, Sliding(Stamp, 160_000), Minute);

        await RunAsync(EntryScripts.Touch, Key, Stamp.ToBytes(), 165_000, _index.ToString());
        await RunAsync(EntryScripts.Refresh, Key, "0", _index.ToString());
        Assert.False(await Database.KeyExistsAsync(_index));

        foreach (var life in (TimeSpan?[])[null, 10 * Minute])
        {
            await AddToIndexAsync(life);
            await RunAsync(EntryScripts.Touch, Key, Stamp.ToBytes(), 171_000, _index.ToString());
            await RunAsync(EntryScripts.Refresh, Key, "0", _index.ToString());
            await AssertLivesForAsync(_index, life);
        }
    }

    [Fact]
    public async Task An_entry_that_is_not_prolonged_leaves_the_index_as_it_is()
    {
        await StoreAsync(Key, Value(Stamp), Minute);
        await AddToIndexAsync(Minute);

        await RunAsync(EntryScripts.Touch, Key, Stamp.ToBytes(), 165_000, _index.ToString());
        await RunAsync(EntryScripts.Refresh, Key, "0", _index.ToString());

        await AssertLivesForAsync(_index, Minute);
    }

    private async Task AddToIndexAsync(TimeSpan? life)
    {
        await Database.SortedSetAddAsync(_index, Key.ToString(), 1);
        await Database.KeyPersistAsync(_index);
        if (life is { } known)
        {
            await Database.KeyExpireAsync(_index, known);
        }
    }
}
