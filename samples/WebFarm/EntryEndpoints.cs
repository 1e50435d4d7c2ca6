using Microsoft.Extensions.Caching.Distributed;
using ShardedCache;

namespace WebFarm;

/// <summary>The cache's entries for programs: <c>PUT</c>, <c>GET</c> and <c>DELETE /entries/{key}</c>.</summary>
internal static class EntryEndpoints
{
    public static void MapEntries(this WebApplication app)
    {
        var entries = app.MapGroup("/entries/{key}");

        entries.MapPut("", async (string key, HttpRequest request, IShardedCache cache, CancellationToken cancellationToken, int? slidingSeconds) =>
        {
            using var value = new MemoryStream();
            await request.Body.CopyToAsync(value, cancellationToken);
            var expiration = new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromSeconds(slidingSeconds ?? 1200) };
            await cache.SetAsync(key, value.ToArray(), expiration, cancellationToken);
            return Results.Ok(new { key, shard = cache.GetShard(key) });
        });

        entries.MapGet("", async (string key, HttpResponse response, IShardedCache cache, CancellationToken cancellationToken) =>
        {
            response.Headers["X-Shard"] = cache.GetShard(key);
            return await cache.GetAsync(key, cancellationToken) is { } value
                ? Results.Bytes(value, "application/octet-stream")
                : Results.NotFound();
        });

        entries.MapDelete("", async (string key, IDistributedCache cache, CancellationToken cancellationToken) =>
        {
            await cache.RemoveAsync(key, cancellationToken);
            return Results.NoContent();
        });

        entries.MapGet("/shard", (string key, IShardedCache cache) => new { key, shard = cache.GetShard(key) });
    }
}
