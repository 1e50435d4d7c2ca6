using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Testing;
using StackExchange.Redis;

namespace ShardedCache.Farm.Tests.Entries;

public class ReplayScriptTests(OneServer server) : ScriptTests(server), IClassFixture<OneServer>
{
    private const string LifeInMilliseconds = "60000";

    private string LastStamp => $"stamp:{Key}";

    [Theory]
    [InlineData(LifeInMilliseconds)]
    [InlineData("")]
    public async Task Where_nothing_is_stored_the_entry_is_written_with_its_life(string life)
    {
        Assert.Equal(1, await ReplayAsync(Value(Stamp, 1, 0, 0xFF), life));

        Assert.Equal(Value(Stamp, 1, 0, 0xFF), await StoredAsync(Key));
        await AssertLivesForAsync(Key, life.Length == 0 ? null : Minute);
    }

    [Fact]
    public async Task The_newer_entry_wins_and_brings_its_own_life()
    {
        foreach (var newer in (Stamp[])[Later, MuchLater])
        {
            await StoreAsync(Key, Value(Stamp, 1));

            Assert.Equal(1, await ReplayAsync(Value(newer, 2), LifeInMilliseconds));

            Assert.Equal(Value(newer, 2), await StoredAsync(Key));
            await AssertLivesForAsync(Key, Minute);
        }
    }

    [Fact]
    public async Task The_older_entry_yields_and_changes_nothing()
    {
        foreach (var newer in (Stamp[])[Later, MuchLater])
        {
            foreach (var stored in (byte[][])[Value(newer, 1), Tombstone(newer), Sliding(newer, 1000, 9)])
            {
                await StoreAsync(Key, stored, 10 * Minute);

                Assert.Equal(0, await ReplayAsync(Value(Stamp, 2), LifeInMilliseconds));
                Assert.Equal(0, await ReplayAsync(Tombstone(Stamp), LifeInMilliseconds));

                Assert.Equal(stored, await StoredAsync(Key));
                await AssertLivesForAsync(Key, 10 * Minute);
            }
        }
    }

    [Fact]
    public async Task The_same_bytes_again_prolong_the_life_and_never_shorten_it()
    {
        await StoreAsync(Key, Value(Stamp, 1, 0xFF), TimeSpan.FromSeconds(10));

        Assert.Equal(1, await ReplayAsync(Value(Stamp, 1, 0xFF), LifeInMilliseconds));
        await AssertLivesForAsync(Key, Minute);

        Assert.Equal(1, await ReplayAsync(Value(Stamp, 1, 0xFF), "1000"));
        await AssertLivesForAsync(Key, Minute);
        Assert.Equal(Value(Stamp, 1, 0xFF), await StoredAsync(Key));
    }

    [Theory]
    [InlineData("01", "02")]
    [InlineData("7F", "80")]
    [InlineData("80", "FF")]
    [InlineData("5A", "61")]
    [InlineData("42", "61")]
    [InlineData("61", "6142")]
    [InlineData("", "00")]
    [InlineData("00FF", "0100")]
    [InlineData("0AFF00", "0AFF01")]
    public async Task Of_two_with_the_same_stamp_the_greater_bytes_stay_whichever_came_first(string lesserPayload, string greaterPayload)
    {
        var (lesser, greater) = (Value(Stamp, Convert.FromHexString(lesserPayload)), Value(Stamp, Convert.FromHexString(greaterPayload)));
        await StoreAsync(Key, greater, 10 * Minute);
        Assert.Equal(0, await ReplayAsync(lesser, LifeInMilliseconds));
        Assert.Equal(greater, await StoredAsync(Key));
        await AssertLivesForAsync(Key, 10 * Minute);

        await StoreAsync(Key, lesser, 10 * Minute);
        Assert.Equal(1, await ReplayAsync(greater, LifeInMilliseconds));
        Assert.Equal(greater, await StoredAsync(Key));
        await AssertLivesForAsync(Key, Minute);
    }

    [Fact]
    public async Task Of_a_value_and_a_removal_with_the_same_stamp_the_removal_is_the_later_one()
    {
        await StoreAsync(Key, Value(Stamp, 0xFF));
        Assert.Equal(1, await ReplayAsync(Tombstone(Stamp), LifeInMilliseconds));
        Assert.Equal(0, await ReplayAsync(Value(Stamp, 0xFF), LifeInMilliseconds));

        Assert.Equal(Tombstone(Stamp), await StoredAsync(Key));
    }

    [Fact]
    public async Task An_entry_that_does_not_stay_long_enough_leaves_its_stamp_and_what_is_older_yields_to_that()
    {
        Assert.Equal(1, await ReplayAsync(Sliding(Later, 1000, 1), "1000", "120000"));

        Assert.Equal(Later.ToBytes(), await StoredAsync(LastStamp));
        await AssertLivesForAsync(LastStamp, 2 * Minute);
        await Database.KeyDeleteAsync(Key);
        Assert.Equal(0, await ReplayAsync(Value(Stamp, 2), LifeInMilliseconds));
        Assert.Equal(0, await ReplayAsync(Tombstone(Stamp), LifeInMilliseconds));
        Assert.Null(await StoredAsync(Key));
    }

    [Fact]
    public async Task Beside_the_stamp_of_the_last_version_that_version_and_a_later_one_are_written_and_the_stamp_is_not_set_back()
    {
        await ReplayAsync(Sliding(Later, 1000, 1), "1000", "1000");

        Assert.Equal(1, await ReplayAsync(Sliding(Later, 1000, 1), "1000", "120000"));
        await AssertLivesForAsync(LastStamp, 2 * Minute);
        await Database.KeyDeleteAsync(Key);
        Assert.Equal(1, await ReplayAsync(Sliding(Later, 1000, 1), LifeInMilliseconds));
        Assert.Equal(1, await ReplayAsync(Value(MuchLater, 2), LifeInMilliseconds));

        Assert.Equal(Value(MuchLater, 2), await StoredAsync(Key));
        Assert.Equal(Later.ToBytes(), await StoredAsync(LastStamp));
    }

    [Fact]
    public async Task A_key_of_another_type_is_replaced()
    {
        await Database.ListRightPushAsync(Key, "an element");

        Assert.Equal(1, await ReplayAsync(Value(Stamp, 1), LifeInMilliseconds));

        Assert.Equal(Value(Stamp, 1), await StoredAsync(Key));
    }

    [Theory]
    [InlineData("")]
    [InlineData("7B7D")]
    [InlineData("C200FFFFFFFFFFFFFFFF01")]
    [InlineData("C108FFFFFFFFFFFFFFFF01")]
    [InlineData("C100FFFFFFFFFFFFFF")]
    public async Task Foreign_bytes_have_no_stamp_and_are_replaced(string bytes)
    {
        await StoreAsync(Key, Convert.FromHexString(bytes));

        Assert.Equal(1, await ReplayAsync(Value(Stamp, 1), LifeInMilliseconds));

        Assert.Equal(Value(Stamp, 1), await StoredAsync(Key));
    }

    [Fact]
    public async Task A_life_counts_from_when_it_was_worked_out_however_late_it_is_sent()
    {
        var index = $"index:{Key}";
        await Database.SortedSetAddAsync(index, Key.ToString(), 1);
        var aMinuteAgo = $"{DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - 60_000}";
        var inAMinute = $"{DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + 60_000}";

        Assert.Equal(1, await RunAsync(EntryScripts.Replay, Key, Sliding(Stamp, 120_000, 1), "120000", index, LastStamp, "", aMinuteAgo));
        await AssertLivesForAsync(Key, Minute);

        Assert.Equal(1, await RunAsync(EntryScripts.Touch, Key, Stamp.ToBytes(), "115000", index, aMinuteAgo));
        await AssertLivesForAsync(Key, Minute);
        Assert.Equal(1, await RunAsync(EntryScripts.Touch, Key, Stamp.ToBytes(), "130000", index, aMinuteAgo));
        await AssertLivesForAsync(Key, Minute + TimeSpan.FromSeconds(10));
        Assert.Equal(1, await RunAsync(EntryScripts.Refresh, Key, "0", index, aMinuteAgo));
        await AssertLivesForAsync(Key, Minute + TimeSpan.FromSeconds(10));

        // A server's clock that is behind prolongs nothing.
        Assert.Equal(1, await RunAsync(EntryScripts.Replay, Key, Sliding(Later, 120_000, 1), "120000", index, LastStamp, "", inAMinute));
        await AssertLivesForAsync(Key, 2 * Minute);

        Assert.Equal(1, await RunAsync(EntryScripts.Replay, Key, Sliding(MuchLater, 1000, 1), "1000", index, LastStamp, "120000", aMinuteAgo));
        await AssertEndsAsync(Key);
        await AssertLivesForAsync(LastStamp, 2 * Minute);

        Assert.Equal(1, await RunAsync(GroupScripts.Write, index, aMinuteAgo, "removal", Stamp.ToBytes(), Key.ToString(), Sliding(Stamp, 90_000, 1), "90000", "last", ""));
        await AssertLivesForAsync(Key, Minute / 2);
    }

    [Fact]
    public async Task Without_arguments_no_script_writes_anything()
    {
        await StoreAsync(Key, Sliding(Stamp, 1000, 1), Minute);

        foreach (var script in (StoredScript[])[EntryScripts.Touch, EntryScripts.Evict, EntryScripts.Replay, GroupScripts.Write, GroupScripts.RemoveAll])
        {
            Assert.Equal(0, await RunAsync(script, Key));
        }

        Assert.Equal(Sliding(Stamp, 1000, 1), await StoredAsync(Key));
    }

    private async Task AssertEndsAsync(RedisKey key)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (await Database.KeyExistsAsync(key))
        {
            await Task.Delay(1, deadline.Token);
        }
    }

    private Task<long> ReplayAsync(byte[] stored, string life, string lastStampLife = "") =>
        RunAsync(EntryScripts.Replay, Key, stored, life, "", LastStamp, lastStampLife);
}

/// <summary>What a replay says on a server that refuses to write: the code words by which the journal decides.</summary>
public sealed class ReplayRefusalTests : IAsyncLifetime
{
    private RedisFarm _farm = null!;
    private ConnectionMultiplexer _client = null!;

    private RedisProcess Server => _farm.Shards[0].InitialMaster;

    public async ValueTask InitializeAsync()
    {
        _farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, TestContext.Current.CancellationToken);
        _client = await ConnectionMultiplexer.ConnectAsync($"{Server.EndPoint},allowAdmin=true");
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await _farm.DisposeAsync();
    }

    [Fact]
    public async Task Without_memory_the_older_entry_is_removed_and_a_later_one_stays()
    {
        await StoreAsync("older", 1);
        await StoreAsync("later", 9);
        await Server.ExecuteAsync("CONFIG", "SET", "maxmemory", "1");

        Assert.Equal(2, (long)await ReplayAsync("older", 5));
        Assert.Equal(2, (long)await ReplayAsync("missing", 5));
        Assert.Equal(0, (long)await ReplayAsync("later", 5));

        Assert.Equal("later", await Server.ExecuteAsync("KEYS", "*"));
    }

    [Fact]
    public async Task Without_enough_replicas_it_is_refused_with_NOREPLICAS()
    {
        await Server.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "1");

        await AssertRefusedAsync("NOREPLICAS");
    }

    [Fact]
    public async Task Where_snapshots_fail_it_is_refused_with_MISCONF()
    {
        Directory.CreateDirectory(Path.Combine(Server.Directory, "dump.rdb", "in-the-way"));
        await Server.ExecuteAsync("CONFIG", "SET", "save", "36000 1");
        await Server.ExecuteAsync("BGSAVE");
        await Eventually.HoldsAsync(
            async () => (await Server.ExecuteAsync("INFO", "persistence")).Contains("rdb_last_bgsave_status:err", StringComparison.Ordinal), "the snapshot has failed");

        await AssertRefusedAsync("MISCONF");
    }

    [Fact]
    public async Task On_a_replica_it_is_refused_with_READONLY()
    {
        await StoreAsync("key", 1);
        await Server.ExecuteAsync("REPLICAOF", "127.0.0.1", "1");

        await AssertRefusedAsync("READONLY");
    }

    private async Task AssertRefusedAsync(string codeWord)
    {
        var exception = await Assert.ThrowsAsync<RedisServerException>(() => ReplayAsync("key", 5));

        Assert.StartsWith(codeWord + " ", exception.Message, StringComparison.Ordinal);
    }

    private static byte[] Value(ulong stamp)
    {
        var bytes = new byte[EntryHeader.MinLength];
        EntryHeader.Value(new Stamp(stamp), default).Write(bytes);
        return bytes;
    }

    private Task StoreAsync(RedisKey key, ulong stamp) => _client.GetDatabase().StringSetAsync(key, Value(stamp));

    private Task<RedisResult> ReplayAsync(RedisKey key, ulong stamp) =>
        _client.GetDatabase().ScriptEvaluateAsync(EntryScripts.Replay.Text, [key], [Value(stamp), "60000", "", "stamp", ""]);
}
