using ShardedCache.Connections;
using ShardedCache.Entries;
using StackExchange.Redis;

namespace ShardedCache.Farm.Tests.Entries;

public class EntryScriptTests(OneServer server) : IClassFixture<OneServer>
{
    private const long Window = 160_000;

    /// <summary>All bits set somewhere, so that no sign, no double and no line end can hide a fault.</summary>
    private static readonly Stamp Stamp = new(0xFF0D0A00_80FFFE01);

    private readonly RedisKey _key = Guid.NewGuid().ToString();
    private long _storedAt;

    private static EntryHeader Sliding(long window = Window, long absolute = 0) =>
        EntryHeader.Value(Stamp, new EntryExpiration(absolute, window, default));

    [Fact]
    public async Task A_touch_prolongs_the_entry_that_was_read()
    {
        await StoreAsync(Sliding(), TimeSpan.FromSeconds(60));

        Assert.Equal(1, await TouchAsync(Stamp, 170_000));

        await AssertTimeToLive(TimeSpan.FromSeconds(170));
    }

    [Fact]
    public async Task A_touch_never_shortens()
    {
        await StoreAsync(Sliding(), TimeSpan.FromSeconds(600));

        Assert.Equal(1, await TouchAsync(Stamp, 170_000));

        await AssertTimeToLive(TimeSpan.FromSeconds(600));
    }

    [Fact]
    public async Task A_touch_prolongs_what_could_be_a_member_of_a_group_on_a_server_without_memory_too()
    {
        await StoreAsync(Sliding(), TimeSpan.FromSeconds(60));
        await server.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        try
        {
            Assert.Equal(1, await RunAsync(EntryScripts.Touch, Stamp.ToBytes(), 170_000, "index"));
        }
        finally
        {
            await server.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        }

        await AssertTimeToLive(TimeSpan.FromSeconds(170));
    }

    [Fact]
    public async Task A_touch_leaves_an_entry_that_replaced_the_one_that_was_read()
    {
        await StoreAsync(Sliding(), TimeSpan.FromSeconds(60));

        Assert.Equal(0, await TouchAsync(new Stamp(Stamp.Value ^ 1), 170_000));
        Assert.Equal(0, await TouchAsync(new Stamp(Stamp.Value ^ (1UL << 63)), 170_000));

        await AssertTimeToLive(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_touch_leaves_a_tombstone_with_the_same_stamp()
    {
        await StoreAsync(EntryHeader.Tombstone(Stamp), TimeSpan.FromSeconds(60));

        Assert.Equal(0, await TouchAsync(Stamp, 170_000));

        await AssertTimeToLive(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task An_entry_without_time_to_live_stays_without()
    {
        await StoreAsync(Sliding(), null);

        Assert.Equal(1, await TouchAsync(Stamp, 170_000));
        Assert.Equal(1, await RefreshAsync());

        Assert.Null(await server.Database.KeyTimeToLiveAsync(_key));
    }

    [Theory]
    [InlineData(6_000)]
    [InlineData(9_999)]
    [InlineData(10_000)]
    [InlineData(160_015)]
    [InlineData(EntryExpiration.MaxDurationMilliseconds)]
    public async Task A_refresh_gives_what_a_set_and_a_touch_give(long window)
    {
        await StoreAsync(Sliding(window), TimeSpan.FromSeconds(3));

        Assert.Equal(1, await RefreshAsync());

        await AssertTimeToLive(TimeSpan.FromMilliseconds(TouchPolicy.TimeToLive(Sliding(window), 0)));
    }

    [Fact]
    public async Task A_refresh_that_would_shorten_changes_nothing_but_finds_the_entry()
    {
        await StoreAsync(Sliding(), TimeSpan.FromSeconds(600));

        Assert.Equal(1, await RefreshAsync());

        await AssertTimeToLive(TimeSpan.FromSeconds(600));
    }

    [Fact]
    public async Task A_refresh_goes_no_further_than_the_absolute_expiration_by_the_servers_clock()
    {
        var absolute = await ServerNowAsync() + 100_000;
        await StoreAsync(Sliding(absolute: absolute), TimeSpan.FromSeconds(60));

        Assert.Equal(1, await RefreshAsync());

        Assert.InRange((long)await server.Database.ExecuteAsync("PEXPIRETIME", _key), absolute - 2, absolute + 2);
    }

    [Fact]
    public async Task A_refresh_does_not_revive_an_entry_past_its_absolute_expiration()
    {
        await StoreAsync(Sliding(absolute: await ServerNowAsync() - 1), TimeSpan.FromSeconds(60));

        Assert.Equal(0, await RefreshAsync());

        await AssertTimeToLive(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task An_entry_that_does_not_slide_is_not_refreshed()
    {
        foreach (var header in (EntryHeader[])[
            EntryHeader.Tombstone(Stamp),
            EntryHeader.Value(Stamp, default),
            EntryHeader.Value(Stamp, new EntryExpiration(long.MaxValue >> 11, 0, default))])
        {
            await StoreAsync(header, TimeSpan.FromSeconds(60));

            Assert.Equal(0, await RefreshAsync());

            await AssertTimeToLive(TimeSpan.FromSeconds(60));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("7B7D")]
    [InlineData("0102FF0D0A0080FFFE010000000000027100")]
    [InlineData("C10AFF0D0A0080FFFE010000000000027100")]
    [InlineData("C102FF0D0A0080FFFE0100000000000271")]
    [InlineData("C102FF0D0A0080FFFE010000000000000000")]
    [InlineData("C102FF0D0A0080FFFE01FFFFFFFFFFFFFFFF")]
    [InlineData("C103FF0D0A0080FFFE010000000000000000")]
    [InlineData("C102FF0D0A0080FF")]
    public async Task Foreign_bytes_are_left_alone_without_an_error(string bytes)
    {
        _storedAt = await ServerNowAsync();
        await server.Database.StringSetAsync(_key, Convert.FromHexString(bytes), TimeSpan.FromSeconds(60));

        Assert.Equal(0, await RefreshAsync());

        await AssertTimeToLive(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_missing_key_and_another_type_are_left_alone_without_an_error()
    {
        Assert.Equal(0, await RefreshAsync());
        Assert.Equal(0, await TouchAsync(Stamp, 1000));

        await server.Database.HashSetAsync(_key, "data", "x");

        Assert.Equal(0, await RefreshAsync());
        Assert.Equal(0, await TouchAsync(Stamp, 1000));
        Assert.Equal("x", await server.Database.HashGetAsync(_key, "data"));
    }

    [Fact]
    public async Task A_touch_and_a_refresh_leave_the_payload()
    {
        await StoreAsync(Sliding(), TimeSpan.FromSeconds(60));
        var before = (byte[]?)await server.Database.StringGetAsync(_key);

        await TouchAsync(Stamp, 170_000);
        await RefreshAsync();

        Assert.Equal(before, (byte[]?)await server.Database.StringGetAsync(_key));
    }

    private async Task StoreAsync(EntryHeader header, TimeSpan? timeToLive)
    {
        _storedAt = await ServerNowAsync();
        var bytes = new byte[EntryHeader.MaxLength];
        byte[] stored = [.. bytes.AsSpan(0, header.Write(bytes)), 1, 2, 3];
        await server.Database.StringSetAsync(_key, stored, timeToLive is { } life ? life : Expiration.Default);
    }

    private Task<long> TouchAsync(Stamp stamp, long milliseconds) => RunAsync(EntryScripts.Touch, stamp.ToBytes(), milliseconds);

    private Task<long> RefreshAsync() => RunAsync(EntryScripts.Refresh);

    private async Task<long> RunAsync(StoredScript script, params RedisValue[] arguments) =>
        (long)await server.Database.ScriptEvaluateAsync(script.Text, [_key], arguments);

    private async Task<long> ServerNowAsync()
    {
        var time = (RedisResult[])(await server.Database.ExecuteAsync("TIME"))!;
        return ((long)time[0] * 1000) + ((long)time[1] / 1000);
    }

    /// <summary>The expiration was set, to this much later, at some time since the entry was stored.</summary>
    private async Task AssertTimeToLive(TimeSpan expected)
    {
        var expiresAt = (long)await server.Database.ExecuteAsync("PEXPIRETIME", _key);
        Assert.InRange(expiresAt - (long)expected.TotalMilliseconds, _storedAt, await ServerNowAsync());
    }
}
