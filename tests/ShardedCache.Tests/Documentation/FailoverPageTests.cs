using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using ShardedCache.Tests.Architecture;

namespace ShardedCache.Tests.Documentation;

public class FailoverPageTests
{
    [Fact]
    public async Task Its_code_is_what_runs_here()
    {
        await using var services = new ServiceCollection()
            .AddSingleton<IHostEnvironment>(new HostingEnvironment { EnvironmentName = Environments.Development })
            .AddShardedRedisCache()
            .BuildServiceProvider();
        var cache = services.GetRequiredService<IShardedCache>();
        var (items, total, expiration) = (new byte[] { 1 }, new byte[] { 2 }, new DistributedCacheEntryOptions());
#pragma warning disable xUnit1051 // The page shows groups, not the cancellation of tests.
        var cart = cache.CreateKeyGroup("user:42");
        await cart.SetAsync([new(cart.Key("items"), items), new(cart.Key("total"), total)], expiration);
        Assert.Equal(items, await cache.GetAsync("{user:42}:items"));
        await cart.RemoveAllAsync();
#pragma warning restore xUnit1051
        Assert.Null(await cache.GetAsync("{user:42}:items", TestContext.Current.CancellationToken));

        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "failover.md"));
        var here = File.ReadAllText(Path.Combine(Repository.Root, "tests/ShardedCache.Tests/Documentation/FailoverPageTests.cs"));
        var shown = page.Split("```csharp\n")[1].Split("```")[0].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(shown, line => Assert.Contains(line, here, StringComparison.Ordinal));
    }
}
