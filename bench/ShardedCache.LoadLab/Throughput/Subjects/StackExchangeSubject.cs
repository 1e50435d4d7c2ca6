using StackExchange.Redis;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>The client library by itself: plain GET and SET of strings.</summary>
public sealed class StackExchangeSubject(ConnectionMultiplexer multiplexer) : Subject
{
    private readonly IDatabase _database = multiplexer.GetDatabase();

    public override IReadOnlyList<string> Operations => ["get", "set", "remove", "batch", "mix", "miss"];

    public static async Task<Subject> ConnectAsync(string configuration) => new StackExchangeSubject(await ConnectionMultiplexer.ConnectAsync(configuration));

    public override ValueTask DisposeAsync() => multiplexer.DisposeAsync();

    public override Task StoreAsync(string key, byte[] value, bool isSliding) => _database.StringSetAsync(key, value, Life);

    public override async Task<byte[]?> GetAsync(string key) => await _database.StringGetAsync(key);

    public override Task SetAsync(string key, byte[] value) => _database.StringSetAsync(key, value, Life);

    public override Task RemoveAsync(string key) => _database.KeyDeleteAsync(key);

    public override Task GetManyAsync(string[] keys) => Task.WhenAll(keys.Select(key => _database.StringGetAsync(key)));
}
