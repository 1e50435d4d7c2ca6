// What the AOT test publishes and runs: a host with a cache that is configured from outside, which writes, reads and
// removes entries. Arguments: the connection string. Prints "ok"; exits 1 where anything is not as it must be.
using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ShardedCache;

var builder = Host.CreateEmptyApplicationBuilder(null);
builder.Configuration.AddInMemoryCollection([
    new("ConnectionStrings:ShardedRedis", args[0]),
    new("ShardedRedis:InstanceName", "aot:"),
    new("ShardedRedis:OperationTimeout", "00:00:05"),
]);
builder.Services.AddShardedRedisCache();
using var host = builder.Build();
await host.StartAsync();

var cache = host.Services.GetRequiredService<IDistributedCache>();
var sharded = host.Services.GetRequiredService<IShardedCache>();
var deadline = DateTime.UtcNow.AddSeconds(20);
while (true)
{
    try
    {
        await cache.SetStringAsync("one", "1", new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromMinutes(1) });
        break;
    }
    catch (ShardUnavailableException) when (DateTime.UtcNow < deadline)
    {
        await Task.Delay(20);
    }
}

await sharded.SetManyAsync([new("two", "2"u8.ToArray()), new("three", "3"u8.ToArray())], new DistributedCacheEntryOptions());
await cache.RefreshAsync("one");
await cache.RemoveAsync("three");
var values = await sharded.GetManyAsync(["one", "two", "three"]);
var found = string.Join(',', values.Select(value => value is null ? "-" : Encoding.UTF8.GetString(value)));
await host.StopAsync();

Console.WriteLine(found == "1,2,-" ? "ok" : found);
return found == "1,2,-" ? 0 : 1;
