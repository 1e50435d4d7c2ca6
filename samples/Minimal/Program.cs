// The smallest application with a sharded cache. With nothing configured it keeps entries in memory, in Development only.
// With a farm: ConnectionStrings__ShardedRedis="10.0.0.1:26379,shards=shard-{0..7}" dotnet run
using Microsoft.Extensions.Caching.Distributed;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddShardedRedisCache();

var app = builder.Build();

app.MapGet("/{key}", async (string key, IDistributedCache cache, CancellationToken cancellationToken) =>
    await cache.GetStringAsync(key, cancellationToken) is { } value ? Results.Text(value) : Results.NotFound());

app.MapPut("/{key}", async (string key, HttpRequest request, IDistributedCache cache, CancellationToken cancellationToken) =>
{
    using var body = new StreamReader(request.Body);
    await cache.SetStringAsync(
        key, await body.ReadToEndAsync(cancellationToken), new() { SlidingExpiration = TimeSpan.FromMinutes(20) }, cancellationToken);
    return Results.NoContent();
});

app.MapDelete("/{key}", (string key, IDistributedCache cache, CancellationToken cancellationToken) => cache.RemoveAsync(key, cancellationToken));

app.Run();
