using Microsoft.Extensions.Time.Testing;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

public class MemoryStoreTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Beyond_its_bound_it_drops_the_entries_used_longest_ago()
    {
        var store = new MemoryStore(4 * EntrySize, _time);
        Set(store, "a");
        Set(store, "b");
        Set(store, "c");
        Set(store, "d");
        store.Get("a");

        Set(store, "e");
        Set(store, "f");

        Assert.Equal("adef", string.Concat("abcdef".Where(key => store.Get(key.ToString()) is not null)));
        Assert.Equal(4 * EntrySize, store.Size);
    }

    [Fact]
    public void An_entry_beyond_the_bound_is_not_kept_nor_is_what_it_replaces()
    {
        var store = new MemoryStore(2 * EntrySize, _time);
        Set(store, "a");
        Set(store, "b");

        store.Set("a", new byte[2 * EntrySize], default);

        Assert.Null(store.Get("a"));
        Assert.NotNull(store.Get("b"));
    }

    [Fact]
    public void What_is_replaced_removed_or_expired_gives_its_bytes_back()
    {
        var store = new MemoryStore(100 * EntrySize, _time);
        Set(store, "a");
        Set(store, "a");
        Assert.Equal(EntrySize, store.Size);

        store.Remove(["a"]);
        Assert.Equal(0, store.Size);

        store.Set("a", new byte[100], ForOneSecond());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(store.Get("a"));
        Assert.Equal(0, store.Size);
    }

    [Fact]
    public void It_stays_within_its_bound_whatever_many_threads_do()
    {
        var store = new MemoryStore(50 * EntrySize, _time);

        Parallel.For(0, 20_000, i =>
        {
            var key = (i % 300).ToString("D3", null);
            switch (i % 3)
            {
                case 0: store.Get(key); break;
                case 1: store.Remove([key]); break;
                default: store.Set(key, new byte[i % 500], default); break;
            }

            Assert.InRange(store.Size, 0, 50 * EntrySize);
        });
    }

    private static long EntrySize => MemoryStore.OverheadPerEntry + 2 + 100;

    private EntryExpiration ForOneSecond() => EntryExpiration.From(
        new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(1) }, _time.GetUtcNow(), _time.GetUtcNow().ToUnixTimeMilliseconds());

    private static void Set(MemoryStore store, string key) => store.Set(key, new byte[100], default);
}
