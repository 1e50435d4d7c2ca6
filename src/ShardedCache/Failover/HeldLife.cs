namespace ShardedCache.Failover;

/// <summary>
/// Until when the master is known to keep an entry, where that may be earlier than is said here: a use prolongs the entry's life here once it is
/// sent, and there once it arrives. Where it arrives after the end, nothing of the entry is there any more, although it was used in time. The
/// default: nothing is in doubt.
/// </summary>
internal struct HeldLife
{
    // In milliseconds by the shard's clock; 0 where nothing is in doubt.
    private long _until;

    /// <summary>
    /// Whether the master has let the entry expire by now, so that what it lacks tells of no removal. The clock can be off by half a
    /// round trip, and the answer has been on its way for as long: what has expired there is over here, too.
    /// </summary>
    public readonly bool IsOver(long nowMilliseconds) => Volatile.Read(in _until) is > 0 and var until && until <= nowMilliseconds;

    /// <summary>
    /// A use is sent, or has yet to be, that the master has not answered: so far it is known to keep the entry this long. Under the stripe's lock.
    /// </summary>
    public void Doubt(long expiresAt)
    {
        if (Volatile.Read(in _until) == 0)
        {
            Volatile.Write(ref _until, expiresAt);
        }
    }

    /// <summary>
    /// The master has taken a use. Without any lock: should the object be another entry's by now, that is taken to be kept for longer than it may
    /// be, and then counts as removed.
    /// </summary>
    public void Hold(long until)
    {
        for (var held = Volatile.Read(in _until); held != 0 && held < until;)
        {
            var seen = Interlocked.CompareExchange(ref _until, until, held);
            held = seen == held ? until : seen;
        }
    }

    /// <summary>The master has the entry as it is here; or it has lost it in another way.</summary>
    public void Clear() => Volatile.Write(ref _until, 0);

    public void Shift(long milliseconds) => _until += _until == 0 ? 0 : milliseconds;
}
