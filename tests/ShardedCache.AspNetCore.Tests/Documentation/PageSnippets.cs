using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZiggyCreatures.Caching.Fusion;
using ZiggyCreatures.Caching.Fusion.Backplane;
using ZiggyCreatures.Caching.Fusion.Serialization;

namespace ShardedCache.AspNetCore.Tests.Documentation;

/// <summary>The code of <c>docs/health.md</c> and <c>docs/layers.md</c>. A test sees to it that every block of the pages stands here.</summary>
internal static class PageSnippets
{
    public static void Health(WebApplicationBuilder builder)
    {
        builder.Services.AddHealthChecks().AddShardedRedisCache(tags: ["ready"]);
        builder.Services.AddHealthChecks().AddKeyedShardedRedisCache("orders", failureStatus: HealthStatus.Degraded);
    }

    public static void Hybrid(WebApplicationBuilder builder)
    {
        builder.Services.AddShardedRedisCache();
        builder.Services.AddHybridCache();
    }

    public static void KeyedHybrid(WebApplicationBuilder builder)
    {
        builder.Services.AddKeyedShardedRedisCache("pages", options => options.InstanceName = "pages:");
        builder.Services.AddHybridCache(options => options.DistributedCacheServiceKey = "pages");
    }

    public static void Fusion(WebApplicationBuilder builder, IFusionCacheSerializer serializer, IFusionCacheBackplane backplane)
    {
        builder.Services.AddShardedRedisCache();
        builder.Services.AddFusionCache()
            .WithRegisteredDistributedCache()
            .WithSerializer(serializer)
            .WithBackplane(backplane);
    }
}
