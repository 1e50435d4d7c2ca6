using System.Text;
using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.Contract.Cache;

/// <summary>All that an <see cref="IShardedCache"/> promises: a cache's promises, and the batches'.</summary>
public abstract class ShardedCacheContract : ExpirationContract
{
    private static readonly DistributedCacheEntryOptions NoExpiration = new();

    /// <summary>The names of the cache's shards.</summary>
    protected abstract IReadOnlyCollection<string> Shards { get; }

    [Fact]
    public void A_key_has_one_shard_and_a_hash_tag_decides_it()
    {
        var keys = Enumerable.Range(0, 200).Select(i => Key() + i).ToArray();

        Assert.All(keys, key => Assert.Contains(Cache.GetShard(key), Shards));
        Assert.All(keys, key => Assert.Equal(Cache.GetShard(key), Cache.GetShard(key)));
        Assert.Equal(Shards.Count, keys.Select(Cache.GetShard).Distinct().Count());
        Assert.Single(keys.Select(key => Cache.GetShard("{user:42}:" + key)).Distinct());
    }

    [Fact]
    public async Task Many_entries_are_written_read_and_removed_together()
    {
        var prefix = Key();
        var entries = Enumerable.Range(0, 3000).Select(i => Entry($"{prefix}-{i}", $"value {i}")).ToArray();
        var keys = entries.Select(entry => entry.Key).ToArray();

        await Cache.SetManyAsync(entries, NoExpiration, Cancellation);
        var values = await Cache.GetManyAsync(keys, Cancellation);
        Assert.Equal(entries.Select(entry => Text(entry.Value)), values.Select(Text));
        Assert.Equal("value 17", await User(CacheAccess.Array).GetTextAsync(keys[17]));

        await Cache.RemoveManyAsync(keys[..2000], Cancellation);
        values = await Cache.GetManyAsync(keys, Cancellation);
        Assert.All(values[..2000], Assert.Null);
        Assert.All(values[2000..], Assert.NotNull);
    }

    [Fact]
    public async Task Values_come_in_the_order_of_the_keys_with_null_for_a_miss_and_again_for_a_key_given_again()
    {
        var key = Key();
        await Cache.SetManyAsync([Entry(key + "a", "A"), Entry(key + "b", ""), Entry(key + "c", "C")], NoExpiration, Cancellation);

        var values = await Cache.GetManyAsync([key + "c", key + "missing", key + "a", key + "b", key + "c"], Cancellation);

        Assert.Equal(["C", null, "A", "", "C"], values.Select(Text));
    }

    [Fact]
    public async Task Of_a_key_given_twice_the_last_value_stays()
    {
        var key = Key();

        await Cache.SetManyAsync([Entry(key, "first"), Entry(key, "second"), Entry(key, "last")], NoExpiration, Cancellation);

        Assert.Equal("last", await User(CacheAccess.ArrayAsync).GetTextAsync(key));
    }

    [Fact]
    public async Task Empty_batches_do_nothing()
    {
        Assert.Empty(await Cache.GetManyAsync([], Cancellation));
        await Cache.SetManyAsync([], NoExpiration, Cancellation);
        await Cache.RemoveManyAsync([], Cancellation);
    }

    [Fact]
    public async Task A_batch_has_one_expiration_for_all_its_entries()
    {
        var key = Key();
        string[] keys = [key + "a", key + "b"];
        await Cache.SetManyAsync(
            [.. keys.Select(one => Entry(one, "value"))], new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(200) }, Cancellation);

        while ((await Cache.GetManyAsync(keys, Cancellation)).Any(value => value is not null))
        {
            await Task.Delay(20, Cancellation);
        }
    }

    [Fact]
    public async Task A_bad_argument_anywhere_in_a_batch_leaves_nothing_half_done()
    {
        var key = Key();
        await User(CacheAccess.ArrayAsync).SetTextAsync(key, "old");
        var good = Entry(key, "new");
        var past = new DistributedCacheEntryOptions { AbsoluteExpiration = DateTimeOffset.UtcNow.AddMinutes(-1) };

        await Assert.ThrowsAsync<ArgumentNullException>(() => Cache.SetManyAsync(null!, NoExpiration, Cancellation));
        await Assert.ThrowsAsync<ArgumentNullException>(() => Cache.SetManyAsync([good], null!, Cancellation));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Cache.SetManyAsync([good], past, Cancellation));
        await RefusedAsync(Entry(null!, "value"));
        await RefusedAsync(Entry("\ud83d", "value"));
        await RefusedAsync(Entry("x\udc00", "value"));
        await RefusedAsync(new(key + "other", null!));
        await RefusedAsync(new(key + "other", new byte[MaximumPayloadBytes + 1]));
        await Assert.ThrowsAsync<ArgumentNullException>(() => Cache.RemoveManyAsync(null!, Cancellation));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Cache.RemoveManyAsync([key, null!], Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => Cache.RemoveManyAsync([key, "x\udc00"], Cancellation));
        await Assert.ThrowsAsync<ArgumentNullException>(() => Cache.GetManyAsync(null!, Cancellation));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Cache.GetManyAsync([key, null!], Cancellation));

        Assert.Equal("old", await User(CacheAccess.ArrayAsync).GetTextAsync(key));

        async Task RefusedAsync(KeyValuePair<string, byte[]> bad) =>
            await Assert.ThrowsAnyAsync<ArgumentException>(() => Cache.SetManyAsync([good, bad], NoExpiration, Cancellation));
    }

    [Fact]
    public async Task A_batch_cancelled_before_it_starts_is_not_done()
    {
        var key = Key();
        var cancelled = new CancellationToken(canceled: true);
        await User(CacheAccess.ArrayAsync).SetTextAsync(key, "old");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Cache.SetManyAsync([Entry(key, "new")], NoExpiration, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Cache.RemoveManyAsync([key], cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Cache.GetManyAsync([key], cancelled));

        Assert.Equal("old", await User(CacheAccess.ArrayAsync).GetTextAsync(key));
    }

    private static KeyValuePair<string, byte[]> Entry(string key, string value) => new(key, Encoding.UTF8.GetBytes(value));

    private static string? Text(byte[]? value) => value is null ? null : Encoding.UTF8.GetString(value);
}
