namespace ShardedCache.Contract.Cache;

/// <summary>What key groups promise where there are several shards.</summary>
public abstract class CrossShardContract : KeyGroupContract
{
    [Fact]
    public async Task Keys_of_different_shards_are_refused_by_an_exception_that_names_them_their_shards_and_the_hash_tag()
    {
        var group = Group();
        var (near, far) = (group.Key("a"), KeyElsewhere(group));

        var onSet = await Assert.ThrowsAsync<CrossShardException>(
            () => group.SetAsync([KeyValuePair.Create(near, "1"u8.ToArray()), KeyValuePair.Create(far, "2"u8.ToArray())], NoExpiration, Cancellation));
        var onRemove = await Assert.ThrowsAsync<CrossShardException>(() => group.RemoveAsync([near, far], Cancellation));

        foreach (var exception in (CrossShardException[])[onSet, onRemove])
        {
            Assert.Equal([KeyValuePair.Create(near, group.Shard), KeyValuePair.Create(far, Cache.GetShard(far))], exception.Shards);
            Assert.Equal(group.Name, exception.HashTag);
            Assert.All(
                [near, far, group.Shard, Cache.GetShard(far), $"'{{{group.Name}}}'"], part => Assert.Contains(part, exception.Message, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Nothing_is_sent_where_keys_of_different_shards_are_refused()
    {
        var group = Group();
        var (near, far) = (group.Key("a"), KeyElsewhere(group));

        await Assert.ThrowsAsync<CrossShardException>(
            () => group.SetAsync([KeyValuePair.Create(near, "1"u8.ToArray()), KeyValuePair.Create(far, "2"u8.ToArray())], NoExpiration, Cancellation));
        Assert.Equal([null, null], await Cache.GetManyAsync([near, far], Cancellation));

        await group.SetAsync(Entries(group, ("a", "stays")), NoExpiration, Cancellation);
        await Cache.SetAsync(far, "stays"u8.ToArray(), NoExpiration, Cancellation);
        await Assert.ThrowsAsync<CrossShardException>(() => group.RemoveAsync([near, far], Cancellation));
        Assert.All(await Other.GetManyAsync([near, far], Cancellation), Assert.NotNull);
    }

    [Fact]
    public async Task A_key_of_another_shard_alone_is_refused_as_well()
    {
        var group = Group();

        var exception = await Assert.ThrowsAsync<CrossShardException>(() => group.RemoveAsync([KeyElsewhere(group)], Cancellation));

        Assert.Equal(group.Name, exception.HashTag);
    }

    private string KeyElsewhere(IKeyGroup group) =>
        Enumerable.Range(0, 1000).Select(i => $"elsewhere-{group.Name}-{i}").First(key => Cache.GetShard(key) != group.Shard);
}
