using ShardedCache.Entries;
using ShardedCache.Testing;
using static ShardedCache.AspNetCore.Tests.OutputCaching.StoreOutageTests;

namespace ShardedCache.AspNetCore.Tests.OutputCaching;

/// <summary>Pages and evictions of instances whose clocks differ, as far as they may.</summary>
public sealed class StoreClockTests : IAsyncLifetime
{
    private RedisFarm _farm = null!;
    private StoreHost _ahead = null!;
    private StoreHost _other = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Token);
        _ahead = await StoreHost.JoinAsync(_farm);
        _other = await StoreHost.JoinAsync(_farm);

        // Who has read a stamp makes only later ones.
        var header = new byte[EntryHeader.MaxLength];
        var soon = DateTimeOffset.UtcNow + StampClock.MaxLead - TimeSpan.FromSeconds(1);
        var length = EntryHeader.Value(Stamp.From((soon - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, 77), default).Write(header);
        await _farm.Shards[0].InitialMaster.SetBytesAsync("ahead", header.AsMemory(0, length), Token);
        Assert.NotNull(await _ahead.Cache.GetAsync("ahead", Token));
    }

    public async ValueTask DisposeAsync()
    {
        await _ahead.DisposeAsync();
        await _other.DisposeAsync();
        await _farm.DisposeAsync();
    }

    [Fact]
    public async Task An_eviction_takes_a_page_that_was_written_before_it_by_an_instance_whose_clock_is_ahead()
    {
        await WriteAsync(_ahead, "page", "text", "tag", "other");

        await _other.Store.EvictByTagAsync("tag", Token);

        Assert.Null(await ReadAsync(_other, "page"));
        Assert.Null(await ReadAsync(_ahead, "page"));
    }

    [Fact]
    public async Task It_also_takes_what_was_written_after_an_earlier_eviction_by_that_instance()
    {
        await _ahead.Store.EvictByTagAsync("tag", Token);
        await WriteAsync(_ahead, "page", "text", "tag");
        Assert.Equal("text", await ReadAsync(_ahead, "page"));

        await _other.Store.EvictByTagAsync("tag", Token);

        Assert.Null(await ReadAsync(_other, "page"));
    }

    [Fact]
    public async Task A_page_that_such_an_instance_writes_anew_while_many_are_evicted_stays()
    {
        for (var i = 0; i < 100; i++)
        {
            await WriteAsync(_ahead, $"page {i}", "old", "tag");
        }

        var eviction = _other.Store.EvictByTagAsync("tag", Token).AsTask();
        for (var i = 0; !eviction.IsCompleted; i = (i + 1) % 100)
        {
            await WriteAsync(_ahead, $"page {i}", "new", "tag");
        }

        await eviction;
        await WriteAsync(_ahead, "page 0", "new", "tag");

        for (var i = 0; i < 100; i++)
        {
            Assert.NotEqual("old", await ReadAsync(_other, $"page {i}"));
        }

        Assert.Equal("new", await ReadAsync(_other, "page 0"));
        await _other.Store.EvictByTagAsync("tag", Token);
        Assert.Null(await ReadAsync(_other, "page 0"));
    }
}
