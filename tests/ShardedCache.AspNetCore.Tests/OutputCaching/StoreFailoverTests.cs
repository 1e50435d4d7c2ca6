using ShardedCache.Contract;
using ShardedCache.Testing;
using static ShardedCache.AspNetCore.Tests.OutputCaching.StoreOutageTests;

namespace ShardedCache.AspNetCore.Tests.OutputCaching;

/// <summary>The output cache's store over the death of a master whose replica lacks the last changes, with the least rights.</summary>
public sealed class StoreFailoverTests : IAsyncLifetime
{
    private RedisFarm _farm = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RedisFarmShard Shard => _farm.Shards[0];

    private RedisProcess Master => Shard.Servers[0];

    private RedisProcess Replica => Shard.Servers[1];

    public async ValueTask InitializeAsync() => _farm = await RedisFarm.StartAsync(
        new RedisFarmOptions { Shards = 1, User = "app", Password = "s3cr3t-of-the-servers", UserRules = AclRules.Server }, Token);

    public ValueTask DisposeAsync() => _farm.DisposeAsync();

    [Fact]
    public async Task A_page_evicted_just_before_its_master_died_does_not_come_back()
    {
        await using var host = await JoinAsync();
        for (var i = 0; i < 500; i++)
        {
            await WriteAsync(host, $"page {i}", "old", "tag");
        }

        await Shard.WaitForReplicasAsync(cancellationToken: Token);
        await CutOffAsync();
        await host.Store.EvictByTagAsync("tag", Token);
        await WriteAsync(host, "page 1", "new", "tag");
        Master.Kill();
        Replica.Resume();
        Assert.Null(await ReadAsync(host, "page 0"));

        await Shard.WaitForNewMasterAsync(Master, cancellationToken: Token);
        Assert.Null(await ReadAsync(host, "page 0"));
        await host.IsUpAsync();

        Assert.Null(await ReadAsync(host, "page 0"));
        Assert.Equal("new", await ReadAsync(host, "page 1"));
        await using var other = await JoinAsync();
        for (var i = 0; i < 500; i++)
        {
            var page = $"page {i}";
            await Eventually.HoldsAsync(async () => await ReadAsync(other, page) == (page == "page 1" ? "new" : null), "the eviction was replayed");
        }

        await AssertNothingWasDeniedAsync();
    }

    [Fact]
    public async Task A_page_is_never_served_from_the_replica_and_one_that_it_lacked_is_brought_to_it()
    {
        await using var host = await JoinAsync();
        await WriteAsync(host, "replicated", "old", "tag");
        await Shard.WaitForReplicasAsync(cancellationToken: Token);
        await CutOffAsync();
        await WriteAsync(host, "lacking", "new", "tag");
        Master.Kill();
        Replica.Resume();

        await host.IsDownAsync();

        // Until a replica is promoted: the page is there, and could be read.
        while (!host.IsUp)
        {
            Assert.Null(await host.Store.GetAsync("replicated", Token) is { } page && !host.IsUp ? page : null);
            await Task.Delay(10, Token);
        }

        Assert.Equal("old", await ReadAsync(host, "replicated"));
        Assert.Equal("new", await ReadAsync(host, "lacking"));
        await using var other = await JoinAsync();
        Assert.Equal("new", await ReadAsync(other, "lacking"));
        await other.Store.EvictByTagAsync("tag", Token);
        Assert.Null(await ReadAsync(host, "replicated"));
        Assert.Null(await ReadAsync(host, "lacking"));
        await AssertNothingWasDeniedAsync();
    }

    [Fact]
    public async Task A_page_written_during_a_failover_and_evicted_in_it_is_nowhere_afterwards()
    {
        await using var host = await JoinAsync();
        await Shard.WaitForReplicasAsync(cancellationToken: Token);
        Master.Kill();
        await host.IsDownAsync();
        await WriteAsync(host, "evicted", "text", "tag");
        await WriteAsync(host, "kept", "text", "other");
        Assert.Equal("text", await ReadAsync(host, "evicted"));
        await host.Store.EvictByTagAsync("tag", Token);
        Assert.Null(await ReadAsync(host, "evicted"));

        await Shard.WaitForNewMasterAsync(Master, cancellationToken: Token);
        await host.IsUpAsync();

        await using var other = await JoinAsync();
        await Eventually.HoldsAsync(async () => await ReadAsync(other, "kept") == "text", "the page is there");
        Assert.Null(await ReadAsync(other, "evicted"));
        Assert.Null(await ReadAsync(host, "evicted"));
    }

    private Task<StoreHost> JoinAsync() => StoreHost.JoinAsync(_farm, static options => options.InstanceName = AclRules.InstanceName);

    /// <summary>Also closes the replica's connection, or the system's buffers would bring it everything after all when it goes on.</summary>
    private async Task CutOffAsync()
    {
        Replica.Pause();
        await Master.ExecuteAsync("CLIENT", "KILL", "TYPE", "replica");
    }

    private async Task AssertNothingWasDeniedAsync()
    {
        foreach (var server in Shard.Servers.Where(static server => server.IsRunning))
        {
            Assert.DoesNotContain("object", await server.ExecuteAsync("ACL", "LOG"), StringComparison.Ordinal);
        }
    }
}
