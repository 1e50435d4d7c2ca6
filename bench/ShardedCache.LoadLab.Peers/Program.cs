using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.LoadLab.Peers;
using ShardedCache.LoadLab.Throughput;
using ZiggyCreatures.Caching.Fusion;

// Started by "LoadLab throughput".
var (name, configuration) = (args[0], args[1]);
var services = new ServiceCollection().AddStackExchangeRedisCache(options => options.Configuration = configuration);
services.AddHybridCache();
services.AddFusionCache().WithRegisteredDistributedCache().WithSystemTextJsonSerializer();
await using var provider = services.BuildServiceProvider();
return await WorkerLoop.RunAsync(name switch
{
    "stackexchange-2.13" => await StackExchangeSubject.ConnectAsync(configuration),
    "microsoft" => new DistributedCacheSubject((IBufferDistributedCache)provider.GetRequiredService<IDistributedCache>()),
    "hybrid" => new HybridSubject(provider),
    "fusion" => new FusionSubject(provider),
    _ => throw new ArgumentException($"There is no subject '{name}'."),
}, name);
