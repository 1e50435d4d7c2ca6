using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache;
using ShardedCache.Farm.Worker;

// A second process for tests that need one: "write|read <connection string> <count>". Keys and values are functions of
// their number, so that writer and reader need not talk. Prints the number of entries that were right.
// Or "starve|loop|threads <transport> <host> <port> [dedicated threads: true|false]": one connection, see ConnectionCommands. Or "allocate", see AllocationCommand, or
// "allocate-resp <host> <port>", see WireAllocationCommand.
if (args[0] is "starve" or "loop" or "threads")
{
    await ConnectionCommands.RunAsync(args);
    return;
}

if (args[0] == "allocate-resp")
{
    await WireAllocationCommand.RunAsync(args[1], int.Parse(args[2]));
    return;
}

if (args[0] == "allocate")
{
    await AllocationCommand.RunAsync();
    return;
}

var (command, configuration, count) = (args[0], args[1], int.Parse(args[2]));
await using var services = new ServiceCollection()
    .AddShardedRedisCache(options =>
    {
        options.Configuration = configuration;
        options.OperationTimeout = TimeSpan.FromSeconds(10);
    })
    .BuildServiceProvider();
var cache = services.GetRequiredService<IShardedCache>();

const int batchSize = 1000;
var right = 0;
for (var start = 0; start < count; start += batchSize)
{
    var numbers = Enumerable.Range(start, Math.Min(batchSize, count - start)).ToArray();
    if (command == "write")
    {
        await cache.SetManyAsync([.. numbers.Select(number => KeyValuePair.Create(Key(number), Value(number)))], new DistributedCacheEntryOptions());
        right += numbers.Length;
    }
    else
    {
        var values = await cache.GetManyAsync([.. numbers.Select(Key)]);
        right += numbers.Zip(values).Count(pair => pair.Second.AsSpan().SequenceEqual(Value(pair.First)));
    }
}

Console.WriteLine(right);

static byte[] Value(int number) => SHA256.HashData(Encoding.UTF8.GetBytes($"value {number}"));

static string Key(int number) => Convert.ToBase64String(SHA256.HashData(BitConverter.GetBytes(number)));
