using System.Buffers;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache.Contract.Cache;

/// <summary>What a cache promises about the buffers that its callers lend to it.</summary>
public abstract class BufferContract : DistributedCacheContract
{
    private static readonly DistributedCacheEntryOptions NoExpiration = new();

    [Theory]
    [InlineData("")]
    [InlineData("|")]
    [InlineData("one")]
    [InlineData("o|n|e")]
    [InlineData("|one|")]
    [InlineData("o||ne|||")]
    public async Task A_value_may_come_in_segments_some_of_them_empty(string segments)
    {
        var (key, expected) = (Key(), segments.Replace("|", "", StringComparison.Ordinal));

        await Cache.SetAsync(key, Segments.Of(segments.Split('|')), NoExpiration, Cancellation);
        Assert.Equal(expected, await User(CacheAccess.ArrayAsync).GetTextAsync(key));

        Cache.Set(key + "-sync", Segments.Of(segments.Split('|')), NoExpiration);
        Assert.Equal(expected, await User(CacheAccess.Array).GetTextAsync(key + "-sync"));
    }

    [Fact]
    public async Task A_large_value_may_come_in_segments()
    {
        var (key, parts) = (Key(), Enumerable.Range(0, 500).Select(i => new string((char)('a' + (i % 26)), i)).ToArray());

        await Cache.SetAsync(key, Segments.Of(parts), NoExpiration, Cancellation);

        Assert.Equal(string.Concat(parts), await User(CacheAccess.BufferAsync).GetTextAsync(key));
    }

    [Fact]
    public async Task A_value_may_be_a_part_of_a_larger_array_or_lie_in_memory_that_is_no_array()
    {
        var key = Key();
        byte[] rented = [.. "before"u8, .. "value"u8, .. "after"u8];
        var hidden = new HiddenMemory("value"u8.ToArray());

        await Cache.SetAsync(key + "-part", new ReadOnlySequence<byte>(rented, 6, 5), NoExpiration, Cancellation);
        await Cache.SetAsync(key + "-hidden", new ReadOnlySequence<byte>(hidden.Memory), NoExpiration, Cancellation);
        Cache.Set(key + "-hidden-sync", new ReadOnlySequence<byte>(hidden.Memory), NoExpiration);
        await Cache.SetAsync(key + "-empty", ReadOnlySequence<byte>.Empty, NoExpiration, Cancellation);

        var user = User(CacheAccess.BufferAsync);
        Assert.Equal(
            ("value", "value", "value", ""),
            (await user.GetTextAsync(key + "-part"), await user.GetTextAsync(key + "-hidden"),
                await user.GetTextAsync(key + "-hidden-sync"), await user.GetTextAsync(key + "-empty")));
    }

    [Theory]
    [MemberData(nameof(EveryAccess))]
    public async Task A_buffer_may_be_recycled_as_soon_as_setting_has_returned(CacheAccess access)
    {
        var (key, user) = (Key(), User(access));
        var buffer = new byte[20_000];
        for (byte round = 1; round <= 50; round++)
        {
            buffer.AsSpan().Fill(round);
            await user.SetAsync($"{key}-{round}", buffer);
            buffer.AsSpan().Fill(0xFF);
        }

        for (byte round = 1; round <= 50; round++)
        {
            Assert.Equal(-1, (await user.GetAsync($"{key}-{round}")).AsSpan().IndexOfAnyExcept(round));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_miss_writes_nothing_and_a_hit_is_written_behind_what_is_there(bool asynchronous)
    {
        var key = Key();
        var destination = new ArrayBufferWriter<byte>();
        destination.Write("before,"u8);

        Assert.False(asynchronous ? await Cache.TryGetAsync(key, destination, Cancellation) : Cache.TryGet(key, destination));
        Assert.Equal("before,", Encoding.UTF8.GetString(destination.WrittenSpan));

        await Cache.SetAsync(key, "after"u8.ToArray(), NoExpiration, Cancellation);
        Assert.True(asynchronous ? await Cache.TryGetAsync(key, destination, Cancellation) : Cache.TryGet(key, destination));
        Assert.Equal("before,after", Encoding.UTF8.GetString(destination.WrittenSpan));

        await Cache.RemoveAsync(key, Cancellation);
        Assert.False(asynchronous ? await Cache.TryGetAsync(key, destination, Cancellation) : Cache.TryGet(key, destination));
        Assert.Equal("before,after", Encoding.UTF8.GetString(destination.WrittenSpan));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_destination_may_give_its_memory_in_small_pieces(bool asynchronous)
    {
        var key = Key();
        var value = new byte[10_000];
        Random.Shared.NextBytes(value);
        await Cache.SetAsync(key, value, NoExpiration, Cancellation);
        var destination = new SmallPieces();

        Assert.True(asynchronous ? await Cache.TryGetAsync(key, destination, Cancellation) : Cache.TryGet(key, destination));

        Assert.Equal(value, destination.Written);
    }
}
