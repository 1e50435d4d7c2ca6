using System.Buffers;
using System.Diagnostics;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ShardedCache.AspNetCore.Tests.HealthChecks;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Layers;

/// <summary>What a layer may count on when it gives up a call: it recycles its buffers, and goes on.</summary>
public sealed class AbandonedCallTests : IAsyncLifetime
{
    private static readonly DistributedCacheEntryOptions NoExpiration = new();

    private RedisFarm _farm = null!;
    private HealthApplication _application = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RedisProcess Server => _farm.Shards[0].InitialMaster;

    private IBufferDistributedCache Cache => (IBufferDistributedCache)_application.Cache;

    public async ValueTask InitializeAsync()
    {
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Token);
        _application = await HealthApplication.StartAsync(_farm, static options => options.OperationTimeout = TimeSpan.FromSeconds(20));
        await _application.BecomesAsync(HealthStatus.Healthy);
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        await _farm.DisposeAsync();
    }

    [Fact]
    public async Task A_read_that_was_abandoned_writes_nothing_into_its_destination_when_the_answer_comes()
    {
        await Cache.SetAsync("key", new ReadOnlySequence<byte>(new byte[10_000]), NoExpiration, Token);
        Server.Pause();
        var destination = new ArrayBufferWriter<byte>();
        using var patience = new CancellationTokenSource();
        var read = Cache.TryGetAsync("key", destination, patience.Token).AsTask();

        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        Server.Resume();

        Assert.NotNull(await _application.Cache.GetAsync("key", Token));
        Assert.Equal(0, destination.WrittenCount);
    }

    [Fact]
    public async Task A_write_that_was_abandoned_stores_what_its_buffer_held_when_it_was_called_or_nothing()
    {
        var rented = new byte[100_000];
        rented.AsSpan().Fill(1);
        Server.Pause();
        using var patience = new CancellationTokenSource();
        var write = Cache.SetAsync("key", new ReadOnlySequence<byte>(rented), NoExpiration, patience.Token).AsTask();

        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        rented.AsSpan().Fill(2);
        Server.Resume();

        Assert.Equal(-1, (await _application.Cache.GetAsync("key", Token) ?? []).AsSpan().IndexOfAnyExcept((byte)1));
    }

    [Fact]
    public async Task A_server_that_does_not_answer_takes_less_than_the_4_seconds_that_HybridCache_gives_a_tag()
    {
        await using var application = await HealthApplication.StartAsync(_farm);
        await application.BecomesAsync(HealthStatus.Healthy);
        await application.Cache.SetAsync("__MSFT_HCT__tag", new byte[8], NoExpiration, Token);
        Server.Pause();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(4));
        var began = Stopwatch.GetTimestamp();

        var time = await application.Cache.GetAsync("__MSFT_HCT__tag", patience.Token);

        Assert.Equal(new byte[8], time);
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(4));
        Server.Resume();
    }
}
