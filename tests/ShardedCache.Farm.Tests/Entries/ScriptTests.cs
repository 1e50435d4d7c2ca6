using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Testing;
using StackExchange.Redis;

namespace ShardedCache.Farm.Tests.Entries;

/// <summary>What the tests of the scripts share: one real server, and a key of the test's own.</summary>
public abstract class ScriptTests(OneServer server)
{
    private protected static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>All bits set somewhere, so that no sign, no double and no line end can hide a fault.</summary>
    private protected static readonly Stamp Stamp = new(0xFF0D0A00_80FFFE01);

    private protected IDatabase Database => server.Database;

    private protected RedisProcess Process => server.Process;

    private protected RedisKey Key { get; } = Guid.NewGuid().ToString();

    private protected static Stamp Later { get; } = new(Stamp.Value + 1);

    /// <summary>Greater in the upper half and less in the lower one.</summary>
    private protected static Stamp MuchLater { get; } = new(0xFF0D0A01_00000000);

    private protected static byte[] Tombstone(Stamp stamp) => Entry(EntryHeader.Tombstone(stamp));

    private protected static byte[] Value(Stamp stamp, params byte[] payload) => Entry(EntryHeader.Value(stamp, default), payload);

    private protected static byte[] Sliding(Stamp stamp, long window, params byte[] payload) =>
        Entry(EntryHeader.Value(stamp, new EntryExpiration(0, window, default)), payload);

    private protected static byte[] Entry(EntryHeader header, params byte[] payload)
    {
        var bytes = new byte[EntryHeader.MaxLength];
        return [.. bytes.AsSpan(0, header.Write(bytes)), .. payload];
    }

    private protected Task StoreAsync(RedisKey key, byte[] bytes, TimeSpan? timeToLive = null) =>
        Database.StringSetAsync(key, bytes, timeToLive is { } life ? life : Expiration.Default);

    private protected async Task<byte[]?> StoredAsync(RedisKey key) => await Database.StringGetAsync(key);

    private protected async Task<long> RunAsync(StoredScript script, RedisKey key, params RedisValue[] arguments) =>
        (long)await Database.ScriptEvaluateAsync(script.Text, [key], arguments);

    /// <summary>The key's time to live: of what had been stored for so long a little while ago, by a machine that may stall.</summary>
    private protected async Task AssertLivesForAsync(RedisKey key, TimeSpan? expected)
    {
        var life = await Database.KeyTimeToLiveAsync(key);
        if (expected is not { } known)
        {
            Assert.Null(life);
            Assert.True(await Database.KeyExistsAsync(key));
            return;
        }

        Assert.InRange(life ?? TimeSpan.MaxValue, known - TimeSpan.FromSeconds(8), known);
    }
}
