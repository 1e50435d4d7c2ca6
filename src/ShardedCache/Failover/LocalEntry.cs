using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>What this process knows of a key.</summary>
internal enum LocalKind : byte
{
    /// <summary>A value; without a payload where that is too large to keep after it was read.</summary>
    Value,

    /// <summary>The key was removed.</summary>
    Tombstone,

    /// <summary>The key was written, but its value is not kept: whatever is older must not be read any more.</summary>
    Invalidation,

    /// <summary>The entry's life was prolonged, and nothing more is known of it.</summary>
    Refresh,

    /// <summary>A tag was evicted: pages that carry it and are older must not be read any more.</summary>
    Eviction,
}

/// <summary>How far an entry has come on its way to the replicas. All but <see cref="Standby"/> are the journal.</summary>
internal enum Standing : byte
{
    /// <summary>Every server that could become master has it. What is kept is a copy for the time of a failover.</summary>
    Standby,

    /// <summary>Sent to the master; its answer is awaited.</summary>
    Sent,

    /// <summary>The master has it, its replicas perhaps not.</summary>
    Acknowledged,

    /// <summary>No master is known to have it: it has yet to be sent, or was, without an answer.</summary>
    Pending,
}

/// <summary>What is known of an entry's group, once the operation that wrote it is forgotten.</summary>
internal enum Membership : byte
{
    /// <summary>It was written alone.</summary>
    None,

    /// <summary>It was written as a member.</summary>
    Member,

    /// <summary>It was read: servers do not say.</summary>
    Unknown,
}

/// <summary>
/// One version of one key in this process's memory. Guarded by the lock of its stripe, but for its version and its answer. Whoever changes
/// its stamp, or <see cref="ConfirmedAt"/>, in its place tells <see cref="LocalStripe.Tell"/>, but for sessions, which are not looked up there. The
/// object is used again for another version or another key of its stripe: whoever keeps it beyond the lock keeps an <see cref="EntryRef"/>.
/// </summary>
internal sealed class LocalEntry(LocalStripe stripe)
{
    /// <summary>What an entry costs beside key and payload: the object, its place in the table, the rented array's rounding.</summary>
    public const int Overhead = 200;

    private const int TouchOwed = -1;

    private StoredKey _key;

    // The key's text is in no processor's cache any more when the entry moves on.
    private int _ownSize;

    // Not one nullable: that would be moved as a whole each time.
    private PayloadCopy _payload;

    private bool _isOwed;
    private HeldLife _held;

    // The version, and under it the round in which this version was acknowledged, 0 or TouchOwed: one word, so that an answer needs no lock.
    private long _versionAndAnswer;

    public LocalStripe Stripe => stripe;

    /// <summary>Changes with each use of the object, and each time it is sent.</summary>
    public int Version => (int)(Volatile.Read(ref _versionAndAnswer) >> 32);

    /// <summary>The round in which it was acknowledged as it was sent last; else not positive.</summary>
    public int AnsweredIn => (int)Volatile.Read(ref _versionAndAnswer);

    public StoredKey Key => _key;

    /// <summary>Of the key's name, by <see cref="LocalTable.HashOf"/>; set while it is in a table.</summary>
    public int Hash { get; set; }

    public LocalKind Kind { get; private set; }

    public EntryHeader Header { get; private set; }

    public PayloadCopy? Payload
    {
        get => _payload.Exists ? _payload : null;
        private set => _payload = value.GetValueOrDefault();
    }

    public Standing Standing { get; set; }

    /// <summary>The connection that <see cref="Standing"/> speaks of.</summary>
    public IServerConnection? SentOn { get; set; }

    /// <summary>The proof round whose mark covers it; 0 while none does.</summary>
    public long Round { get; set; }

    /// <summary>
    /// Was pending and is not acknowledged since: its caller has been told that it succeeded, so while a replay is under way, which
    /// may be refused, the master is not to be read yet.
    /// </summary>
    public bool IsOwed
    {
        get => _isOwed;
        set
        {
            if (_isOwed != value)
            {
                _isOwed = value;
                stripe.Answers.Owed += value ? 1 : -1;
            }
        }
    }

    /// <summary>
    /// A master had a later version: whoever has one goes before it, yet the next master may have only what is older than both. Until a
    /// master takes it.
    /// </summary>
    public bool HasYielded { get; set; }

    /// <summary>Was used since it was sent, and the master has not been told: it is to be sent once more.</summary>
    public bool IsTouchOwed => AnsweredIn == TouchOwed;

    /// <summary>Only the prolonging of its life is in the journal: every server has the value.</summary>
    public bool IsTouchOnly { get; set; }

    /// <summary>It was refreshed: whatever version its master has is to be prolonged, not only this one.</summary>
    public bool IsRefreshed { get; set; }

    /// <summary>Milliseconds by the shard's clock.</summary>
    public long ExpiresAt { get; set; } = long.MaxValue;

    /// <summary>Until when its master is known to keep it, where that is in doubt.</summary>
    public ref HeldLife Held => ref _held;

    /// <summary>When a touch or refresh last prolonged it, in milliseconds by the shard's clock.</summary>
    public long TouchedAt { get; set; }

    /// <summary>When its master last said the same, in milliseconds by the shard's clock.</summary>
    public long ConfirmedAt { get; set; }

    /// <summary>It was read from a server: whether it is a member of a group is unknown.</summary>
    public bool WasRead { get; set; }

    /// <summary>Was used since the eviction last looked.</summary>
    public bool WasUsed { get; set; }

    /// <summary>Whether its key was replaced, or forgotten.</summary>
    public bool IsDetached { get; set; } = true;

    /// <summary>Whether the eviction will look at it; it may be used for another key by then.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Has become a copy once more while it was queued: its place is behind the others.</summary>
    public bool IsQueuedAgain { get; set; }

    /// <summary>Its payload is a session's state, which is merged into what its master has.</summary>
    public bool IsSession { get; set; }

    /// <summary>Holds only what this process has changed of a session: nothing of what its master had could be read.</summary>
    public bool IsPartial { get; set; }

    /// <summary>The atomic operation that wrote it, where it was one over several keys of a group.</summary>
    public GroupOperation? Group { get; set; }

    public Membership Membership { get; set; }

    /// <summary>Set where it is a page of the output cache.</summary>
    public PageRecord? Page { get; set; }

    /// <summary>Others keep it without its version, so it is not used again.</summary>
    public bool IsShared { get; set; }

    public LocalEntry? Previous { get; set; }

    public LocalEntry? Next { get; set; }

    public long Size => _ownSize + _payload.Length + (Page?.Size ?? 0);

    /// <summary>Whether it speaks in place of a master that is up: its master does not have it, and what it holds is newer.</summary>
    public bool Overlays => IsOwed && !IsTouchOnly && Kind != LocalKind.Refresh;

    public bool HasExpired(long nowMilliseconds) => ExpiresAt <= nowMilliseconds;

    /// <summary>As a server takes it: what has expired ends at once.</summary>
    public long MillisecondsToLive(long nowMilliseconds) => Math.Max(1, ExpiresAt - nowMilliseconds);

    public void Begin(in StoredKey key, LocalKind kind, in EntryHeader header, PayloadCopy? payload)
    {
        _key = key;
        _ownSize = Overhead + (key.Name.Length * sizeof(char));
        Payload = payload;
        Begin(kind, header);
    }

    private void Begin(LocalKind kind, in EntryHeader header, bool isOwed = false)
    {
        (Kind, Header) = (kind, header);
        (ExpiresAt, TouchedAt, ConfirmedAt) = (long.MaxValue, 0, 0);
        (IsOwed, IsTouchOnly, WasRead, WasUsed) = (isOwed, false, false, false);
        (IsSession, IsPartial, HasYielded, IsRefreshed) = (false, false, false, false);
        Membership = Membership.None;
        _held.Clear();
    }

    /// <summary>Another version of the same key in the same object; <see cref="NextVersion"/> is to follow.</summary>
    public void Renew(LocalKind kind, in EntryHeader header, in PayloadSource payload)
    {
        // Until the new one is answered the master may have only what is older than both.
        var isOwed = Overlays;
        if (!payload.TryOverwrite(ref _payload))
        {
            ReleasePayload();
            Payload = payload.Take();
        }

        Begin(kind, header, isOwed);
    }

    /// <summary>Without touching it.</summary>
    public void Prefetch() => ProcessorCache.Prefetch(this, Overhead);

    /// <summary>The memory of its payload, which changes with it when it is replaced.</summary>
    public void PrefetchPayload()
    {
        if (_payload.Exists)
        {
            _payload.Prefetch();
        }
    }

    /// <summary>Keeps the text of its key that another entry has kept before: it has lived long, and costs the garbage collector nothing more.</summary>
    public void KeepKeyOf(LocalEntry other) => _key = other._key;

    /// <summary>Ends what refers to it.</summary>
    public void End()
    {
        NextVersion();
        (_key, SentOn) = (default, null);
    }

    // Under the lock. An answer that comes without it either finds another version or is overwritten: both ways it is to none but the old one.
    public void NextVersion() => Volatile.Write(ref _versionAndAnswer, (long)(Version + 1) << 32);

    /// <summary>Without the stripe's lock. False where it is not what was sent any more, or a touch is owed.</summary>
    public bool TryAcknowledge(int version, int round)
    {
        var unanswered = (long)version << 32;
        return Interlocked.CompareExchange(ref _versionAndAnswer, unanswered | (uint)round, unanswered) == unanswered;
    }

    /// <summary>For what was sent: its answer will not be enough. False where that has come.</summary>
    public bool TryOweTouch() => TryAcknowledge(Version, TouchOwed) || IsTouchOwed;

    /// <summary>Gives the payload up and keeps the key.</summary>
    public void Invalidate()
    {
        ReleasePayload();

        // What a session had is not known any more.
        IsPartial |= IsSession;
        Kind = Kind == LocalKind.Value ? LocalKind.Invalidation : Kind;
        Header = EntryHeader.Tombstone(Header.Stamp);
    }

    /// <summary>Gives the payload up that was only read.</summary>
    public void ReleaseRead()
    {
        ReleasePayload();

        // What remains of a value keeps older ones from being read. A session holds changes of any age, all of which its master has.
        IsTouchOnly |= IsSession;
    }

    /// <summary>Ends its part in the operation that wrote it; what is left is that it is a member.</summary>
    public void LeaveOperation()
    {
        if (Group is { IsRemovalOfAll: false })
        {
            (Group, Membership) = (null, Membership.Member);
        }
    }

    /// <summary>Moves it to another clock, by microseconds.</summary>
    public void Shift(long microseconds)
    {
        var milliseconds = microseconds / 1000;
        Header = Header with
        {
            Stamp = Header.Stamp.Plus(microseconds),
            AbsoluteMilliseconds = Header.IsAbsolute ? Math.Max(1, Header.AbsoluteMilliseconds + milliseconds) : 0,
        };
        ExpiresAt = ExpiresAt == long.MaxValue ? ExpiresAt : ExpiresAt + milliseconds;
        ConfirmedAt += milliseconds;
        _held.Shift(milliseconds);
        TouchedAt = TouchedAt == 0 ? 0 : TouchedAt + milliseconds;
        ChangeSession(state => state.Shift(microseconds));
    }

    /// <summary>Makes the changes of one request to a session later.</summary>
    public void RaiseSession(Stamp from, Stamp to)
    {
        ChangeSession(state => state.Raise(from, to));
        Header = Header.Stamp < to ? Header with { Stamp = to } : Header;
    }

    // The state stays as long as it was.
    private void ChangeSession(Func<SessionState, SessionState> change)
    {
        if (IsSession && Payload is { } payload && SessionState.TryRead(payload.Span, out var state))
        {
            Payload = PayloadCopy.Of(change(state).ToBytes());
            payload.Return();
        }
    }

    public void ReleasePayload()
    {
        Payload?.Return();
        Payload = null;
    }
}
