using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Entries;
using static ShardedCache.Contract.Session.SessionStates;

namespace ShardedCache.Tests.Entries;

public class SessionStateTests
{
    private static readonly Config Often = Config.QuickThrowOnFailure.WithMaxTest(2000);

    [Fact]
    public void Merging_takes_no_account_of_order() => Check.One(Often, Prop.ForAll(One.Two().ToArbitrary(), static pair =>
        Describe(SessionState.Merge(pair.Item1, pair.Item2)) == Describe(SessionState.Merge(pair.Item2, pair.Item1))));

    [Fact]
    public void Merging_takes_no_account_of_grouping() => Check.One(Often, Prop.ForAll(One.Three().ToArbitrary(), static three =>
    {
        var (a, b, c) = three;
        return Describe(SessionState.Merge(SessionState.Merge(a, b), c)) == Describe(SessionState.Merge(a, SessionState.Merge(b, c)));
    }));

    [Fact]
    public void Merging_again_changes_nothing() => Check.One(Often, Prop.ForAll(One.Two().ToArbitrary(), static pair =>
    {
        var merged = SessionState.Merge(pair.Item1, pair.Item2);
        return Describe(SessionState.Merge(merged, pair.Item2)) == Describe(merged) && Describe(SessionState.Merge(merged, pair.Item1)) == Describe(merged);
    }));

    [Fact]
    public void A_state_is_read_back_as_it_was_written() => Check.One(Often, Prop.ForAll(One.ToArbitrary(), static state =>
    {
        var bytes = state.ToBytes();
        return bytes.Length == state.Length && SessionState.TryRead(bytes, out var read) && Describe(read) == Describe(state);
    }));

    [Fact]
    public void What_is_cut_off_or_prolonged_is_no_state() => Check.One(Often, Prop.ForAll(One.ToArbitrary(), static state =>
    {
        var bytes = state.ToBytes();
        var whole = Prefixes(state);
        return Enumerable.Range(0, bytes.Length).All(length => whole.Contains(length) || !SessionState.TryRead(bytes.AsSpan(0, length), out _))
            && !SessionState.TryRead([.. bytes, 0], out _);
    }));

    [Fact]
    public void Every_change_is_kept_whatever_another_request_changes_meanwhile() => Check.One(
        Often, Prop.ForAll(One.Three().ToArbitrary(), static three =>
        {
            // Two requests have read the same and changed it after that.
            var clock = new StampClock(TimeProvider.System);
            var known = new SessionState { Items = three.Item1.Items.ToDictionary(static item => item.Key, static item => item.Value with { Stamp = new(1) }) };
            var (first, second) = (Changes(three.Item2), Changes(three.Item3));
            var (early, late) = (first.ToState(known, after: default, clock, out _), second.ToState(known, after: default, clock, out _));

            var merged = SessionState.Merge(SessionState.Merge(known, late), early);

            foreach (var (key, value) in second.Items)
            {
                Assert.Equal(value, merged.Items[key].Value);
            }

            foreach (var (key, value) in first.Items.Where(item => !second.Clears && !second.Items.ContainsKey(item.Key)))
            {
                Assert.Equal(value, merged.Items[key].Value);
            }

            var isCleared = first.Clears || second.Clears;
            Assert.All(known.Items.Keys.Except(first.Items.Keys).Except(second.Items.Keys), key => Assert.Equal(!isCleared, merged.Items.ContainsKey(key)));
            return true;
        }));

    [Fact]
    public void Removals_are_forgotten_after_their_time_and_what_is_older_stays_away_then()
    {
        var old = Stamp.From(1_000_000_000, 1);
        var horizon = SessionState.Horizon(1_000_000_000 + 70_000_000, keptMilliseconds: 60_000);
        var stored = State(("removed", old, null), ("kept", old, [1]));

        var merged = SessionState.Merge(stored, State(("removed", new(old.Value - 1024), [2]), ("kept", old, [1])), horizon);

        Assert.Equal(["kept"], merged.Items.Keys);
        Assert.Equal(["kept"], SessionState.Merge(merged, State(("removed", new(old.Value - 1024), [2])), horizon).Items.Keys);

        // Within its time it is kept, and where there is no session there was no removal.
        Assert.Equal(
            ["removed", "kept", "other"],
            SessionState.Merge(stored, State(("other", old, null)), SessionState.Horizon(1_000_000_000, keptMilliseconds: 60_000)).Items.Keys);
        Assert.Equal(["removed"], SessionState.Merge(null, State(("removed", old, [2])), horizon).Items.Keys);
    }

    [Fact]
    public void What_is_set_after_a_clearing_in_the_same_request_is_kept()
    {
        var clock = new StampClock(TimeProvider.System);
        var known = State(("before", new(1), [1]));

        var merged = SessionState.Merge(known, new SessionChanges(true, new Dictionary<string, byte[]?> { ["after"] = [2] }, 7).ToState(known, after: default, clock, out _));

        Assert.Equal(["after"], merged.Items.Keys);
        Assert.Equal((UInt128)7, merged.Id.Value);
    }

    private static SessionState State(params (string Key, Stamp Stamp, byte[]? Value)[] items) =>
        new() { Items = items.ToDictionary(static item => item.Key, static item => new SessionItem(item.Stamp, item.Value)) };

    private static SessionChanges Changes(SessionState state) =>
        new(state.Cleared != default, state.Items.ToDictionary(static item => item.Key, static item => item.Value.Value), 1);

    private static HashSet<int> Prefixes(SessionState state)
    {
        var length = SessionState.Empty.Length;
        HashSet<int> lengths = [length];
        foreach (var (key, item) in state.Items)
        {
            lengths.Add(length += SessionState.LengthOf(key, item.Value));
        }

        return lengths;
    }
}
