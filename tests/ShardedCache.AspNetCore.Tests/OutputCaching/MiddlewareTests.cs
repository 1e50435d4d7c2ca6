using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.OutputCaching;

/// <summary>ASP.NET Core's own middleware over the store, in two applications that share a farm.</summary>
public sealed class MiddlewareTests : IAsyncLifetime
{
    private RedisFarm _farm = null!;
    private WebApplication _one = null!;
    private WebApplication _two = null!;
    private int _generated;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 2, ReplicasPerShard = 0, Sentinels = 0 }, Token);
        _one = await StartAsync();
        _two = await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _one.DisposeAsync();
        await _two.DisposeAsync();
        await _farm.DisposeAsync();
    }

    [Fact]
    public async Task A_response_is_generated_once_for_both_applications_with_its_headers()
    {
        var first = await _one.GetTestClient().GetAsync("/page/1", Token);
        var second = await _two.GetTestClient().GetAsync("/page/1", Token);

        Assert.Equal("1 generated 1", await second.Content.ReadAsStringAsync(Token));
        Assert.Equal(await first.Content.ReadAsStringAsync(Token), await second.Content.ReadAsStringAsync(Token));
        Assert.Equal("kept", Assert.Single(second.Headers.GetValues("X-Page")));
        Assert.True(second.Headers.Contains("Age"));
    }

    [Fact]
    public async Task Responses_vary_by_query_and_header()
    {
        Assert.Equal("1 generated 1", await ReadAsync(_one, "/page/1?q=a"));
        Assert.Equal("1 generated 2", await ReadAsync(_one, "/page/1?q=b"));
        Assert.Equal("1 generated 3", await ReadAsync(_one, "/page/1?q=b", "de"));
        Assert.Equal("1 generated 1", await ReadAsync(_two, "/page/1?q=a"));
        Assert.Equal("1 generated 2", await ReadAsync(_two, "/page/1?q=b"));
        Assert.Equal("1 generated 3", await ReadAsync(_two, "/page/1?q=b", "de"));
    }

    [Fact]
    public async Task A_tag_that_one_application_evicts_is_evicted_for_both_on_every_shard()
    {
        for (var i = 0; i < 20; i++)
        {
            await ReadAsync(_one, $"/page/{i}");
        }

        Assert.Equal("3 generated 4", await ReadAsync(_two, "/page/3"));
        await _two.Services.GetRequiredService<IOutputCacheStore>().EvictByTagAsync("page-3", Token);
        Assert.Equal("3 generated 21", await ReadAsync(_one, "/page/3"));
        Assert.Equal("4 generated 5", await ReadAsync(_one, "/page/4"));

        await _one.Services.GetRequiredService<IOutputCacheStore>().EvictByTagAsync("pages", Token);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal($"{i} generated {22 + i}", await ReadAsync(_two, $"/page/{i}"));
        }
    }

    [Fact]
    public async Task A_large_response_is_read_back_whole()
    {
        var first = await _one.GetTestClient().GetByteArrayAsync("/large", Token);
        var second = await _two.GetTestClient().GetByteArrayAsync("/large", Token);

        Assert.Equal(3_000_000, second.Length);
        Assert.Equal(first, second);
        Assert.Equal(1, _generated);
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier)]
    [InlineData(FailoverMode.Bypass)]
    [InlineData(FailoverMode.Throw)]
    public async Task Without_servers_every_response_is_generated(FailoverMode mode)
    {
        await using var site = await StartAsync(options => options.FailoverMode = mode);
        await ReadAsync(site, "/page/1");
        foreach (var shard in _farm.Shards)
        {
            shard.InitialMaster.Kill();
        }

        for (var i = 0; i < 10; i++)
        {
            Assert.StartsWith($"{i} generated ", await ReadAsync(site, $"/page/{i}"), StringComparison.Ordinal);
        }

        var errors = (RecordedLog)site.Services.GetServices<ILoggerProvider>().Single(static provider => provider is RecordedLog);
        Assert.InRange(errors.Messages(500).Count(), mode == FailoverMode.Throw ? 1 : 0, mode == FailoverMode.Throw ? 2 : 0);
    }

    private static async Task<string> ReadAsync(WebApplication site, string path, string? language = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Accept-Language", language ?? "en");
        using var response = await site.GetTestClient().SendAsync(request, Token);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode}");
        return await response.Content.ReadAsStringAsync(Token);
    }

    private async Task<WebApplication> StartAsync(Action<ShardedRedisCacheOptions>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders().AddProvider(new RecordedLog());
        builder.Services.AddOutputCache();
        builder.Services.AddShardedRedisCache(options =>
        {
            options.Configuration = _farm.ConnectionString;
            configure?.Invoke(options);
        });
        builder.Services.AddShardedRedisOutputCache();
        var site = builder.Build();
        site.UseOutputCache();
        site.MapGet("/page/{id}", (int id, HttpResponse response) =>
        {
            response.Headers["X-Page"] = "kept";
            return $"{id} generated {Interlocked.Increment(ref _generated)}";
        }).CacheOutput(static policy => policy.Expire(TimeSpan.FromMinutes(1)).SetVaryByQuery("q").SetVaryByHeader("Accept-Language").Tag("pages")
            .AddPolicy<TagByRoute>());
        site.MapGet("/large", (HttpResponse response) =>
        {
            Interlocked.Increment(ref _generated);
            return Results.Bytes(Enumerable.Range(0, 3_000_000).Select(static i => (byte)(i * 7)).ToArray());
        }).CacheOutput(static policy => policy.Expire(TimeSpan.FromMinutes(1)));
        await site.StartAsync(Token);
        var cache = (ShardedRedisCache)site.Services.GetRequiredService<IShardedCache>();
        await Eventually.HoldsAsync(() => cache.Status.All(static shard => shard.State == Shards.ShardState.Up), "all shards are up");
        return site;
    }

    /// <summary>A tag for each page.</summary>
    private sealed class TagByRoute : IOutputCachePolicy
    {
        public ValueTask CacheRequestAsync(OutputCacheContext context, CancellationToken cancellation)
        {
            context.Tags.Add($"page-{context.HttpContext.Request.RouteValues["id"]}");
            return ValueTask.CompletedTask;
        }

        public ValueTask ServeFromCacheAsync(OutputCacheContext context, CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask ServeResponseAsync(OutputCacheContext context, CancellationToken cancellation) => ValueTask.CompletedTask;
    }
}
