using System.Diagnostics.Metrics;
using System.Globalization;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>More is written during an outage than the journal may hold.</summary>
public sealed class JournalBoundTests : FixedServer
{
    private const int Limit = 64 * 1024;
    private const int Writes = 150;

    [Fact]
    public async Task Beyond_the_bound_the_newest_values_are_kept_and_of_the_older_ones_nothing_older_is_read()
    {
        var server = Farm.Shards[0].InitialMaster;
        await using var host = await Outage.JoinAsync(Farm, configure: static options => options.JournalSizeLimit = Limit);
        using var dropped = new DroppedRecords($"{server.Host}:{server.Port}");
        var keys = Enumerable.Range(0, Writes).Select(i => string.Create(CultureInfo.InvariantCulture, $"key-{i}")).ToArray();
        foreach (var key in keys)
        {
            await host.SetAsync(key, "old");
        }

        await Eventually.HoldsAsync(() => host.JournalBytes() == 0, "the journal is empty");
        await server.ExecuteAsync("SAVE");
        server.Kill();
        await host.IsDownAsync();
        foreach (var key in keys)
        {
            await host.SetAsync(key, Value(key));
            Assert.InRange(host.JournalBytes(), 1, Limit);
        }

        AssertNewOrMissing(keys, await host.ReadAsync(keys));
        Assert.True(dropped.Values > 0, "the values that were dropped are counted");
        Assert.Equal(0, dropped.Keys);
        await server.StartAsync(Token);
        await host.IsUpAsync();

        await Eventually.HoldsAsync(() => host.JournalBytes() == 0, "the journal is empty");
        var read = await host.ReadAsync(keys);
        AssertNewOrMissing(keys, read);
        Assert.Equal(dropped.Values, read.Count(static value => value is null));
        Assert.Equal(read, await Outage.StoredAsync(Farm, keys));
    }

    [Fact]
    public async Task Where_even_the_keys_are_too_many_the_oldest_are_forgotten_and_counted_and_memory_stays_bounded()
    {
        var server = Farm.Shards[0].InitialMaster;
        await using var host = await Outage.JoinAsync(Farm, configure: static options => options.JournalSizeLimit = Limit);
        using var dropped = new DroppedRecords($"{server.Host}:{server.Port}");
        server.Kill();
        await host.IsDownAsync();

        foreach (var i in Enumerable.Range(0, 2000))
        {
            await host.Cache.RemoveAsync(string.Create(CultureInfo.InvariantCulture, $"removed-{i}"), Token);
            Assert.InRange(host.JournalBytes(), 1, Limit);
        }

        Assert.True(dropped.Keys > 1000, $"{dropped.Keys} keys were forgotten");
        await server.StartAsync(Token);
        await host.IsUpAsync();
        await Eventually.HoldsAsync(() => host.JournalBytes() == 0, "the journal is empty");
        Assert.Equal(2000 - dropped.Keys, long.Parse(await server.ExecuteAsync("DBSIZE"), CultureInfo.InvariantCulture) - 1);
    }

    private static string Value(string key) => key.PadRight(1000, '.');

    private static void AssertNewOrMissing(string[] keys, string?[] values)
    {
        Assert.All(keys.Zip(values), static pair => Assert.True(pair.Second is null || pair.Second == Value(pair.First), $"{pair.First} is {pair.Second?[..5]}"));

        // Oldest first in each part of the journal, whose parts are not filled alike.
        Assert.InRange(values[^20..].Count(static value => value is not null), 15, 20);
        Assert.All(values[..50], Assert.Null);
    }

    /// <summary>What the counter of the journal says of one shard, whose name no other test has.</summary>
    private sealed class DroppedRecords : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _values;
        private long _keys;

        public DroppedRecords(string shard)
        {
            _listener.InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument is { Meter.Name: "ShardedCache", Name: "shardedcache.journal.dropped" })
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
            {
                var known = tags.ToArray().ToDictionary(static tag => tag.Key, static tag => tag.Value);
                if (Equals(known["shardedcache.shard.name"], shard))
                {
                    Interlocked.Add(ref Equals(known["shardedcache.journal.dropped.reason"], "value_beyond_bound") ? ref _values : ref _keys, count);
                }
            });
            _listener.Start();
        }

        public long Values => Interlocked.Read(ref _values);

        public long Keys => Interlocked.Read(ref _keys);

        public void Dispose() => _listener.Dispose();
    }
}
