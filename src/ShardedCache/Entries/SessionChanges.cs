namespace ShardedCache.Entries;

/// <summary>What a request has done to its session.</summary>
/// <param name="Clears">Everything before <paramref name="Items"/> is gone.</param>
/// <param name="Items">The keys set, and those removed, with null.</param>
/// <param name="Id">The identifier of a session that has none yet; 0 where it is unknown whether it has one.</param>
internal sealed record SessionChanges(bool Clears, IReadOnlyDictionary<string, byte[]?> Items, UInt128 Id)
{
    /// <summary>The changes as a state of their own, to be merged.</summary>
    /// <param name="known">What the request knew of the session; null for nothing.</param>
    /// <param name="after">They are later than this, whatever the clock says: another client's may be ahead of it.</param>
    /// <param name="clock">Of the shard.</param>
    /// <param name="stamp">Of the changed keys: the greatest in the result.</param>
    public SessionState ToState(SessionState? known, Stamp after, StampClock clock, out Stamp stamp)
    {
        var given = stamp = clock.Next().After(after);
        return new SessionState
        {
            // What is set after a clearing is later than it.
            Cleared = Clears ? new Stamp(given.Value - 1) : known?.Cleared ?? default,
            Id = known is { Id.Stamp: var named } && named != default ? known.Id : Id == default ? default : new SessionId(given, Id),
            Items = Items.ToDictionary(static item => item.Key, item => new SessionItem(given, item.Value), StringComparer.Ordinal),
        };
    }

    /// <summary>How long the payload will be without the keys that are remembered as removed, where nobody else changes the session.</summary>
    public long LengthWith(SessionState? known)
    {
        var kept = Clears || known is null ? [] : known.Items.Where(item => item.Value.Value is not null && !Items.ContainsKey(item.Key));
        return SessionState.Empty.Length
            + kept.Sum(static item => (long)SessionState.LengthOf(item.Key, item.Value.Value))
            + Items.Where(static item => item.Value is not null).Sum(static item => (long)SessionState.LengthOf(item.Key, item.Value));
    }
}
