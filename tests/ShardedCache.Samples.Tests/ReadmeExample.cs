using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;

namespace ShardedCache.Samples.Tests;

/// <summary>The registration that README.md shows, so that it compiles.</summary>
internal static class ReadmeExample
{
    public static WebApplication Build(string[] args)
    {
        // <readme>
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddShardedRedisCache();
        var app = builder.Build();
        app.MapGet("/", (IDistributedCache cache) => cache.GetStringAsync("greeting"));
        // </readme>
        return app;
    }
}
