using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>What a request has changed of a session, stamped.</summary>
/// <param name="Entry">The journal's record; none where nothing is journaled.</param>
/// <param name="Header">The changes' stamp, and the window.</param>
/// <param name="ToSend">The changes, with what the server that they are sent to may lack of earlier ones.</param>
/// <param name="Whole">All that is known of the session now, for a server that has nothing of it any more; null where that is what is sent.</param>
/// <param name="Before">What that record replaced; null where the journal had nothing of the session.</param>
internal readonly record struct SessionWrite(EntryRef Entry, EntryHeader Header, byte[] ToSend, SessionState? Whole, JournaledSession? Before)
{
    public static EntryHeader HeaderOf(Stamp stamp, long windowMilliseconds) =>
        EntryHeader.Value(stamp, new EntryExpiration(0, windowMilliseconds, default));

    /// <summary>The state, where it has more than the changes and the request knew that of the server's session.</summary>
    public static SessionState? WholeOf(SessionState? known, SessionChanges changes, SessionState state) =>
        known is { Items.Count: > 0 } && !changes.Clears ? state : null;
}

/// <summary>A journal's record of a session as it was.</summary>
internal sealed class JournaledSession(LocalEntry entry, SessionState state)
{
    private readonly (LocalKind Kind, EntryHeader Header, bool IsPartial, bool WasRead) _what = (entry.Kind, entry.Header, entry.IsPartial, entry.WasRead);
    private readonly (Standing Standing, IServerConnection? SentOn) _where = (entry.Standing, entry.SentOn);
    private readonly (long ExpiresAt, long TouchedAt, long ConfirmedAt) _when = (entry.ExpiresAt, entry.TouchedAt, entry.ConfirmedAt);

    /// <summary>Under the stripe's lock. An answer that was awaited is not waited for any more: what is pending is sent again.</summary>
    public void PutBack(LocalStripe stripe, in StoredKey key)
    {
        var isSession = _what.Kind == LocalKind.Value;
        var again = stripe.Create(key, _what.Kind, _what.Header, isSession ? PayloadCopy.Of(state.ToBytes()) : null);
        (again.IsSession, again.IsPartial, again.WasRead) = (isSession, _what.IsPartial, _what.WasRead);
        (again.ExpiresAt, again.TouchedAt, again.ConfirmedAt) = _when;
        stripe.Put(again, _where.Standing == Standing.Acknowledged ? Standing.Acknowledged : Standing.Pending, _where.SentOn);
    }
}
