using System.Globalization;
using FsCheck.Fluent;
using ShardedCache.Entries;
using StackExchange.Redis;
using static ShardedCache.Contract.Session.SessionStates;

namespace ShardedCache.Farm.Tests.Entries;

/// <summary>The script does on a real server what <see cref="SessionState.Merge"/> does here.</summary>
public class SessionScriptTests(OneServer server) : ScriptTests(server), IClassFixture<OneServer>
{
    private const long Window = 60_000;

    /// <summary>Removals are never forgotten: the horizon lies before all times.</summary>
    private const string ForEver = "9007199254740992";

    [Fact]
    public async Task The_server_merges_as_we_do()
    {
        foreach (var (stored, incoming) in One.Two().Sample(500))
        {
            await StoreAsync(Key, Session(Stamp, stored), Minute);

            Assert.Equal(1, await MergeAsync(Session(Later, incoming)));

            Assert.Equal(Describe(SessionState.Merge(stored, incoming)), Describe(await StateAsync()));
        }
    }

    [Fact]
    public async Task With_old_removals_the_server_merges_as_we_do()
    {
        // All times lie before the horizon, but for those that no clock has reached yet.
        foreach (var (stored, incoming) in One.Two().Sample(500))
        {
            await StoreAsync(Key, Session(Stamp, stored), Minute);

            Assert.Equal(1, await MergeAsync(Session(Later, incoming), kept: "1000"));

            var horizon = SessionState.Horizon(1_790_000_000_000_000, 1000);
            Assert.Equal(Describe(SessionState.Merge(stored, incoming, horizon)), Describe(await StateAsync()));
        }
    }

    [Fact]
    public async Task Changes_that_arrive_now_are_made_later_than_all_that_is_stored()
    {
        var triples = from state in One from stored in AnyStamp from sent in AnyStamp select (state, stored, sent);
        foreach (var (state, stored, sent) in triples.Sample(500).Where(static three => three.stored.Value < 1UL << 62))
        {
            // Up to the year 2112, or what was added could not be told exactly.
            var there = new SessionState { Items = state.Items.Where(item => item.Value.Stamp <= stored).ToDictionary() };
            var changes = new SessionState { Cleared = new(sent.Value - (state.Cleared == default ? sent.Value : 1)), Items = state.Items.ToDictionary(static item => item.Key, item => item.Value with { Stamp = sent }) };
            await StoreAsync(Key, Session(stored, there), Minute);

            var answer = await MergeAsync(Session(sent, changes), how: "live");

            var raised = sent.After(stored);
            Assert.Equal(1 + raised.UnixMicroseconds - sent.UnixMicroseconds, answer);
            Assert.Equal(sent.Plus(answer - 1), raised);
            Assert.Equal(Describe(SessionState.Merge(there, changes.Raise(sent, raised))), Describe(await StateAsync()));
            Assert.True(EntryHeader.TryRead(await StoredAsync(Key), out var header, out _));
            Assert.Equal(raised, header.Stamp);
        }
    }

    [Fact]
    public async Task Where_no_session_is_it_is_made_unless_it_shall_not()
    {
        foreach (var state in One.Sample(50))
        {
            await Database.KeyDeleteAsync(Key);
            Assert.Equal(0, await MergeAsync(Session(Stamp, state), how: "existing"));
            Assert.False(await Database.KeyExistsAsync(Key));

            Assert.Equal(1, await MergeAsync(Session(Stamp, state)));
            Assert.Equal(Describe(state), Describe(await StateAsync()));
            await AssertLivesForAsync(Key, Minute);
        }
    }

    [Fact]
    public async Task Changes_of_a_known_session_are_stored_only_where_something_of_it_is_left()
    {
        var changes = Session(Later, State(("a", Later, [1])));
        Assert.Equal(0, await MergeAsync(changes, how: "known"));
        Assert.False(await Database.KeyExistsAsync(Key));

        await StoreAsync(Key, Tombstone(Stamp), Minute);
        Assert.Equal(1, await MergeAsync(changes, how: "known"));
        Assert.Equal(Describe(new SessionState { Cleared = Stamp, Items = State(("a", Later, [1])).Items }), Describe(await StateAsync()));

        await StoreAsync(Key, Session(MuchLater, State(("a", MuchLater, [2]), ("b", Stamp, [2]))), Minute);
        var raised = MuchLater.UnixMicroseconds + 1 - Later.UnixMicroseconds;
        Assert.Equal(1 + raised, await MergeAsync(changes, how: "known"));
        Assert.Equal(Describe(State(("a", Later.Plus(raised), [1]), ("b", Stamp, [2]))), Describe(await StateAsync()));
    }

    [Fact]
    public async Task The_later_header_stays_and_the_longer_life()
    {
        var state = State(("a", Stamp, [1]));
        foreach (var (stored, incoming) in ((Stamp, Stamp)[])[(Stamp, MuchLater), (MuchLater, Stamp), (Later, Stamp), (Stamp, Later)])
        {
            await StoreAsync(Key, Session(stored, state, window: 1), 10 * Minute);
            Assert.Equal(1, await MergeAsync(Session(incoming, State(("b", Later, [2])), window: 2)));

            Assert.True(EntryHeader.TryRead(await StoredAsync(Key), out var header, out _));
            Assert.Equal(stored > incoming ? (stored, 1) : (incoming, 2), (header.Stamp, header.SlidingMilliseconds));
            await AssertLivesForAsync(Key, 10 * Minute);
        }

        await StoreAsync(Key, Session(Stamp, state), TimeSpan.FromSeconds(10));
        Assert.Equal(1, await MergeAsync(Session(Stamp, state)));
        Assert.Equal(Session(Stamp, state), await StoredAsync(Key));
        await AssertLivesForAsync(Key, Minute);
        Assert.Equal(1, await MergeAsync(Session(Stamp, State(("b", Later, [2])))));
        await AssertLivesForAsync(Key, Minute);
    }

    [Fact]
    public async Task A_large_session_that_is_there_already_costs_its_server_not_much_more_than_to_store_it()
    {
        var session = Session(Stamp, State(("a", Stamp, new byte[8_000_000])));
        var (first, again) = (TimeSpan.MaxValue, TimeSpan.MaxValue);
        for (var i = 0; i < 3; i++)
        {
            await Database.KeyDeleteAsync(Key);
            first = Least(first, await CostAsync());
            again = Least(again, await CostAsync());
        }

        Assert.Equal(session, await StoredAsync(Key));
        Assert.True(again < 5 * first, $"{again.TotalMilliseconds} ms, and {first.TotalMilliseconds} ms at first");

        // By the server's own count: what the network takes is no part of it.
        async Task<TimeSpan> CostAsync()
        {
            await Process.ExecuteAsync("CONFIG", "RESETSTAT");
            await MergeAsync(session);
            var line = (await Process.ExecuteAsync("INFO", "commandstats")).Split('\n').First(static line => line.StartsWith("cmdstat_eval", StringComparison.Ordinal));
            return TimeSpan.FromMicroseconds(long.Parse(line.Split("usec=")[1].Split(',')[0], CultureInfo.InvariantCulture));
        }

        static TimeSpan Least(TimeSpan left, TimeSpan right) => left < right ? left : right;
    }

    [Fact]
    public async Task A_tombstone_counts_as_a_clearing()
    {
        await StoreAsync(Key, Tombstone(Later), Minute);

        Assert.Equal(1, await MergeAsync(Session(MuchLater, State(("before", Stamp, [1]), ("at", Later, [1]), ("after", MuchLater, [2])))));

        Assert.Equal(Describe(new SessionState { Cleared = Later, Items = State(("after", MuchLater, [2])).Items }), Describe(await StateAsync()));
    }

    [Fact]
    public async Task What_is_no_session_is_replaced()
    {
        var state = State(("a", Stamp, [1]));
        byte[] session = Session(Stamp, state);
        byte[][] strangers =
        [
            [], [1, 2, 3], Value(Later, 1), Sliding(Later, 1000, [1]), [.. session, 0], session[..^1], [.. session[..18], 2, .. session[19..]],
        ];
        foreach (var stranger in strangers)
        {
            await StoreAsync(Key, stranger);
            Assert.Equal(1, await MergeAsync(session));
            Assert.Equal(session, await StoredAsync(Key));
            await AssertLivesForAsync(Key, Minute);
        }

        await Database.KeyDeleteAsync(Key);
        await Database.HashSetAsync(Key, "field", "value");
        Assert.Equal(1, await MergeAsync(session));
        Assert.Equal(session, await StoredAsync(Key));
    }

    [Fact]
    public async Task Without_memory_the_server_refuses_and_what_is_stored_stays()
    {
        var stored = Session(Stamp, State(("a", Stamp, [1])));
        await StoreAsync(Key, stored, Minute);
        await Process.ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        try
        {
            var refused = await Assert.ThrowsAsync<RedisServerException>(() => MergeAsync(Session(Later, State(("a", Later, [2])))));
            Assert.StartsWith("OOM", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await Process.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        }

        Assert.Equal(stored, await StoredAsync(Key));
    }

    [Theory]
    [InlineData(-40, 20)]
    [InlineData(-100, 0)]
    [InlineData(5, 60)]
    public async Task The_life_counts_from_when_it_was_worked_out(int secondsFromNow, int seconds)
    {
        var time = (RedisResult[])(await Database.ExecuteAsync("TIME"))!;
        var at = ((long)time[0] + secondsFromNow) * 1000;

        Assert.Equal(1, await RunAsync(SessionScripts.Merge, Key, Session(Stamp, State(("a", Stamp, [1]))), "60000", ForEver, "replay", $"{at}"));

        var left = (TimeSpan?)await Database.KeyTimeToLiveAsync(Key) ?? TimeSpan.Zero;
        Assert.InRange(left.TotalSeconds, seconds - 5, seconds + 1);
    }

    [Fact]
    public async Task A_server_that_does_not_know_it_is_made_to_without_writing()
    {
        Assert.Equal(0, await RunAsync(SessionScripts.Merge, Key));
        Assert.False(await Database.KeyExistsAsync(Key));
    }

    private Task<long> MergeAsync(byte[] entry, string how = "replay", string kept = ForEver) => RunAsync(SessionScripts.Merge, Key, entry, "60000", kept, how);

    private async Task<SessionState> StateAsync()
    {
        var stored = await StoredAsync(Key);
        Assert.True(EntryHeader.TryRead(stored, out _, out var length));
        Assert.True(SessionState.TryRead(stored.AsSpan(length), out var state));
        return state;
    }

    private static byte[] Session(Stamp stamp, SessionState state, long window = Window) => Sliding(stamp, window, state.ToBytes());

    private static SessionState State(params (string Key, Stamp Stamp, byte[]? Value)[] items) =>
        new() { Items = items.ToDictionary(static item => item.Key, static item => new SessionItem(item.Stamp, item.Value)) };
}
