using System.Text;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.OutputCaching;

/// <summary>The output cache's store while its server is gone and after it is back, with the data of its last snapshot.</summary>
public sealed class StoreOutageTests : IAsyncLifetime
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private RedisFarm _farm = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RedisProcess Server => _farm.Shards[0].InitialMaster;

    public async ValueTask InitializeAsync() =>
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Token);

    public ValueTask DisposeAsync() => _farm.DisposeAsync();

    [Fact]
    public async Task A_page_written_before_an_outage_is_a_miss_during_it_because_another_instance_may_have_evicted_it()
    {
        await using var host = await StoreHost.JoinAsync(_farm);
        await WriteAsync(host, "page", "one", "tag");
        Assert.Equal("one", await ReadAsync(host, "page"));
        Server.Kill();

        Assert.Null(await ReadAsync(host, "page"));
        await host.IsDownAsync();
        Assert.Null(await ReadAsync(host, "page"));
    }

    [Fact]
    public async Task A_page_written_during_an_outage_is_read_by_its_writer_at_once_and_by_others_afterwards_and_can_be_evicted()
    {
        await using var host = await StoreHost.JoinAsync(_farm);
        await using var other = await StoreHost.JoinAsync(_farm);
        await WriteAsync(host, "page", "old", "tag");
        await Server.ExecuteAsync("SAVE");
        Server.Kill();
        await host.IsDownAsync();
        await WriteAsync(host, "page", "new", "tag", "other tag");
        Assert.Equal("new", await ReadAsync(host, "page"));
        Assert.Null(await ReadAsync(other, "page"));

        await Server.StartAsync(Token);
        await host.IsUpAsync();
        await other.IsUpAsync();

        Assert.Equal("new", await ReadAsync(host, "page"));
        Assert.Equal("new", await ReadAsync(other, "page"));
        await other.Store.EvictByTagAsync("other tag", Token);
        Assert.Null(await ReadAsync(host, "page"));
    }

    [Fact]
    public async Task An_eviction_during_an_outage_holds_at_once_and_reaches_the_server_when_it_is_back()
    {
        await using var host = await StoreHost.JoinAsync(_farm);
        for (var i = 0; i < 1000; i++)
        {
            await WriteAsync(host, $"page {i}", "old", "tag");
        }

        await WriteAsync(host, "kept", "old", "other");
        await Server.ExecuteAsync("SAVE");
        Server.Kill();
        await host.IsDownAsync();
        await WriteAsync(host, "evicted", "during", "tag");
        await host.Store.EvictByTagAsync("tag", Token);
        await WriteAsync(host, "after", "during", "tag");
        Assert.Null(await ReadAsync(host, "evicted"));
        Assert.Equal("during", await ReadAsync(host, "after"));

        await Server.StartAsync(Token);
        await host.IsUpAsync();

        foreach (var name in Enumerable.Range(0, 1000).Select(static i => $"page {i}").Append("evicted"))
        {
            Assert.Null(await ReadAsync(host, name));
        }

        Assert.Equal("during", await ReadAsync(host, "after"));
        Assert.Equal("old", await ReadAsync(host, "kept"));
        await using var other = await StoreHost.JoinAsync(_farm);
        await Eventually.HoldsAsync(async () => await ReadAsync(other, "page 999") is null && await ReadAsync(other, "page 0") is null, "the eviction was replayed to its end");
        Assert.Null(await ReadAsync(other, "evicted"));
        Assert.Equal("during", await ReadAsync(other, "after"));
        await Eventually.HoldsAsync(() => host.Cache.JournalBytes == 0, "nothing is left in the journal");
        Assert.Null(await ReadAsync(host, "page 0"));
    }

    [Fact]
    public async Task A_page_written_during_an_outage_yields_to_an_eviction_that_another_instance_made_later()
    {
        await using var host = await StoreHost.JoinAsync(_farm);
        await using var other = await StoreHost.JoinAsync(_farm);
        Server.Kill();
        await host.IsDownAsync();
        await other.IsDownAsync();
        await WriteAsync(host, "page", "one", "tag");

        // Longer than two clocks that were set by the same server's can differ.
        await Task.Delay(100, Token);
        await other.Store.EvictByTagAsync("tag", Token);
        await Server.StartAsync(Token);
        await host.IsUpAsync();
        await other.IsUpAsync();

        await Eventually.HoldsAsync(() => host.Cache.JournalBytes == 0 && other.Cache.JournalBytes == 0, "all is replayed");
        Assert.Null(await ReadAsync(host, "page"));
        Assert.Null(await ReadAsync(other, "page"));
    }

    [Theory]
    [InlineData(FailoverMode.Bypass)]
    [InlineData(FailoverMode.Throw)]
    public async Task In_the_other_modes_pages_are_misses_and_their_writes_are_dropped_and_nothing_throws(FailoverMode mode)
    {
        await using var host = await StoreHost.JoinAsync(_farm, options => options.FailoverMode = mode);
        await WriteAsync(host, "page", "old", "tag");
        await Server.ExecuteAsync("SAVE");
        Server.Kill();

        await WriteAsync(host, "page", "new", "tag");
        Assert.Null(await ReadAsync(host, "page"));
        await host.IsDownAsync();
        await WriteAsync(host, "page", "new", "tag");
        Assert.Null(await ReadAsync(host, "page"));

        await Server.StartAsync(Token);
        await host.IsUpAsync();
        Assert.Equal(mode == FailoverMode.Bypass ? null : "old", await ReadAsync(host, "page"));
        await WriteAsync(host, "page", "newest", "tag");
        Assert.Equal("newest", await ReadAsync(host, "page"));
        await Eventually.HoldsAsync(() => host.Cache.JournalBytes == 0, "nothing is left of what was only to be invalidated");
    }

    [Fact]
    public async Task Bypassed_an_eviction_is_remembered_until_the_server_is_back()
    {
        await using var host = await StoreHost.JoinAsync(_farm, static options => options.FailoverMode = FailoverMode.Bypass);
        await WriteAsync(host, "page", "old", "tag");
        await Server.ExecuteAsync("SAVE");
        Server.Kill();
        await host.IsDownAsync();

        await host.Store.EvictByTagAsync("tag", Token);
        await Server.StartAsync(Token);
        await host.IsUpAsync();

        Assert.Null(await ReadAsync(host, "page"));
        await Eventually.HoldsAsync(() => host.Cache.JournalBytes == 0, "the eviction was replayed");
        Assert.Null(await ReadAsync(host, "page"));
    }

    [Fact]
    public async Task An_eviction_that_nobody_will_do_throws_to_the_application_that_asked_for_it()
    {
        await using var host = await StoreHost.JoinAsync(_farm, static options => options.FailoverMode = FailoverMode.Throw);
        Server.Kill();
        await host.IsDownAsync();

        await Assert.ThrowsAsync<ShardUnavailableException>(async () => await host.Store.EvictByTagAsync("tag", Token));
    }

    [Fact]
    public async Task A_shard_s_failures_are_one_line_in_the_log_and_its_recovery_another()
    {
        await using var host = await StoreHost.JoinAsync(_farm, static options => options.FailoverMode = FailoverMode.Throw);
        Server.Kill();
        await host.IsDownAsync();
        for (var i = 0; i < 20; i++)
        {
            await WriteAsync(host, $"page {i}", "text", "tag");
            Assert.Null(await ReadAsync(host, $"page {i}"));
        }

        Assert.Single(host.Log.Messages(500));
        Assert.Empty(host.Log.Messages(501));
        await Server.StartAsync(Token);
        await host.IsUpAsync();
        await WriteAsync(host, "page", "text", "tag");
        await ReadAsync(host, "page");

        Assert.Single(host.Log.Messages(500));
        Assert.Single(host.Log.Messages(501));
        Assert.DoesNotContain(host.Log.Messages(500), static message => message.Contains("page 0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Keys_of_the_store_are_gone_when_everything_has_expired()
    {
        await using var host = await StoreHost.JoinAsync(_farm);
        for (var i = 0; i < 200; i++)
        {
            await host.Store.SetAsync($"page {i}", "text"u8.ToArray(), ["all", $"tag {i % 7}"], TimeSpan.FromMilliseconds(500 + i), Token);
        }

        for (var i = 0; i < 200; i += 3)
        {
            await host.Store.SetAsync($"page {i}", "text"u8.ToArray(), ["all", "others"], TimeSpan.FromMilliseconds(1000), Token);
        }

        Assert.Contains("tag-pages:", await Server.ExecuteAsync("KEYS", "*"), StringComparison.Ordinal);
        await Eventually.HoldsAsync(async () => (await Server.ExecuteAsync("KEYS", "*")).Trim() == "__shardedcache:rule", "nothing but the sharding rule is left");
    }

    [Fact]
    public async Task Every_key_of_the_store_expires_also_after_an_eviction()
    {
        await using var host = await StoreHost.JoinAsync(_farm);
        for (var i = 0; i < 50; i++)
        {
            await WriteAsync(host, $"page {i}", "text", i % 2 == 0 ? "even" : "odd", "all");
        }

        await host.Store.EvictByTagAsync("even", Token);
        await host.Store.EvictByTagAsync("unknown", Token);
        await WriteAsync(host, "page 0", "text", "even", "all");

        foreach (var key in (await Server.ExecuteAsync("KEYS", "*")).Split('\n').Where(static key => key != "__shardedcache:rule"))
        {
            Assert.InRange(long.Parse(await Server.ExecuteAsync("PTTL", key), System.Globalization.CultureInfo.InvariantCulture), 1, 120_000);
        }
    }

    [Fact]
    public async Task Twenty_thousand_pages_of_a_tag_lie_in_small_sets_and_are_evicted_in_small_steps()
    {
        await using var host = await StoreHost.JoinAsync(_farm);
        await Parallel.ForAsync(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = Token }, async (i, _) =>
            await host.Store.SetAsync($"page {i}", "text"u8.ToArray(), ["tag"], Minute, Token));

        var buckets = (await Server.ExecuteAsync("KEYS", "__shardedcache:tag-pages:*")).Split('\n');
        Assert.InRange(buckets.Length, 40, 41);
        foreach (var bucket in buckets)
        {
            Assert.InRange(int.Parse(await Server.ExecuteAsync("ZCARD", bucket), System.Globalization.CultureInfo.InvariantCulture), 1, 4096);
        }

        await Server.ExecuteAsync("CONFIG", "RESETSTAT");
        await host.Store.EvictByTagAsync("tag", Token);

        var steps = (await Server.ExecuteAsync("INFO", "commandstats")).Split('\n')
            .Single(static line => line.StartsWith("cmdstat_evalsha:", StringComparison.Ordinal)).Split("calls=")[1].Split(',')[0];
        Assert.InRange(int.Parse(steps, System.Globalization.CultureInfo.InvariantCulture), 20, 20_000);
        Assert.DoesNotContain("__shardedcache:page:", await Server.ExecuteAsync("KEYS", "*"), StringComparison.Ordinal);
        Assert.DoesNotContain("__shardedcache:tag-pages:", await Server.ExecuteAsync("KEYS", "*"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_eviction_whose_caller_gives_up_in_its_midst_is_brought_to_its_end()
    {
        await using var host = await StoreHost.JoinAsync(_farm);
        await Parallel.ForAsync(0, 10_000, new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = Token }, async (i, _) =>
            await host.Store.SetAsync($"page {i}", "text"u8.ToArray(), ["tag"], Minute, Token));
        using var given = CancellationTokenSource.CreateLinkedTokenSource(Token);

        var eviction = host.Store.EvictByTagAsync("tag", given.Token).AsTask();
        await Eventually.HoldsAsync(async () => await CountAsync() < 10_000, "the eviction is under way");
        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => eviction);
        Assert.Null(await ReadAsync(host, "page 9999"));
        await Eventually.HoldsAsync(async () => await CountAsync() == 0 && host.Cache.JournalBytes == 0, "the eviction is done");

        async Task<int> CountAsync() => (await Server.ExecuteAsync("KEYS", "__shardedcache:page:*")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
    }

    [Fact]
    public async Task Flushed_pages_are_misses_and_the_next_ones_are_found_by_their_tags()
    {
        await using var host = await StoreHost.JoinAsync(_farm);
        await WriteAsync(host, "page", "one", "tag");
        await Eventually.HoldsAsync(() => host.Cache.JournalBytes == 0, "the page is proven");
        await Server.ExecuteAsync("FLUSHALL");
        Assert.Null(await ReadAsync(host, "page"));

        await WriteAsync(host, "page", "two", "tag");
        await host.Store.EvictByTagAsync("tag", Token);

        Assert.Null(await ReadAsync(host, "page"));
    }

    [Fact]
    public async Task A_key_or_tags_that_cannot_be_stored_cost_a_page_and_nothing_else()
    {
        await using var host = await StoreHost.JoinAsync(_farm);
        var longest = new string('x', 64 * 1024 - 100);
        (string Key, string[] Tags)[] refused =
        [
            (new string('x', 64 * 1024), ["tag"]),
            ("half a pair \uD800", ["tag"]),
            ("tag too long", [new string('x', 64 * 1024)]),
            ("half a pair in a tag", ["\uDC00"]),
            ("too many tags", [.. Enumerable.Range(0, 251).Select(static i => $"tag {i}")]),
        ];

        foreach (var (key, tags) in refused)
        {
            await host.Store.SetAsync(key, "text"u8.ToArray(), tags, Minute, Token);
            Assert.Null(await host.Store.GetAsync(key, Token));
        }

        await host.Store.SetAsync(longest, "text"u8.ToArray(), [longest, .. Enumerable.Range(0, 249).Select(static i => $"tag {i}")], Minute, Token);
        Assert.NotNull(await host.Store.GetAsync(longest, Token));
        await host.Store.EvictByTagAsync(longest, Token);
        Assert.Null(await host.Store.GetAsync(longest, Token));
    }

    [Fact]
    public async Task Bytes_that_are_no_page_are_a_miss()
    {
        await using var host = await StoreHost.JoinAsync(_farm);
        await WriteAsync(host, "page", "text");
        var stored = (await Server.GetBytesAsync("__shardedcache:page:page", Token))!;
        await Server.SetBytesAsync("__shardedcache:page:page", stored.AsMemory(0, 20), Token);
        Assert.Null(await ReadAsync(host, "page"));
        await Server.SetBytesAsync("__shardedcache:page:page", "something else"u8.ToArray(), Token);
        Assert.Null(await ReadAsync(host, "page"));

        await WriteAsync(host, "page", "again");
        Assert.Equal("again", await ReadAsync(host, "page"));
    }

    internal static Task WriteAsync(StoreHost host, string key, string text, params string[] tags) =>
        host.Store.SetAsync(key, Encoding.UTF8.GetBytes(text), tags, Minute, Token).AsTask();

    internal static async Task<string?> ReadAsync(StoreHost host, string key) =>
        await host.Store.GetAsync(key, Token) is { } page ? Encoding.UTF8.GetString(page) : null;
}
