using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ShardedCache.AspNetCore.Tests.Documentation;

public class OutputCachePageTests
{
    private static int _listed;

    [Fact]
    public async Task Its_code_is_what_runs_here_in_Development_with_nothing_configured()
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = Environments.Development });
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        builder.Services.AddShardedRedisCache();
        builder.Services.AddOutputCache();
        builder.Services.AddShardedRedisOutputCache();

        var app = builder.Build();
        app.UseOutputCache();
        app.MapGet("/products", List).CacheOutput(policy => policy.Expire(TimeSpan.FromMinutes(10)).Tag("products"));
        app.MapPost("/products", async (IOutputCacheStore store, CancellationToken cancellation) => await store.EvictByTagAsync("products", cancellation));

        var token = TestContext.Current.CancellationToken;
        await app.StartAsync(token);
        var client = app.GetTestClient();
        Assert.Equal("listed 1", await client.GetStringAsync("/products", token));
        Assert.Equal("listed 1", await client.GetStringAsync("/products", token));
        (await client.PostAsync("/products", null, token)).EnsureSuccessStatusCode();
        Assert.Equal("listed 2", await client.GetStringAsync("/products", token));
        await app.DisposeAsync();

        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "ShardedCache.sln")))
        {
            root = Path.GetDirectoryName(root)!;
        }

        var here = await File.ReadAllTextAsync(Path.Combine(root, "tests/ShardedCache.AspNetCore.Tests/Documentation/OutputCachePageTests.cs"), token);
        var page = await File.ReadAllTextAsync(Path.Combine(root, "docs/output-cache.md"), token);
        var shown = page.Split("```csharp\n")[1].Split("```")[0].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(7, shown.Length);
        Assert.All(shown, line => Assert.Contains(line, here, StringComparison.Ordinal));
    }

    private static string List() => $"listed {Interlocked.Increment(ref _listed)}";
}
