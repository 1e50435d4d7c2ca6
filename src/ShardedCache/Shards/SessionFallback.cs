using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>
/// A session while its shard's master does not answer: what the journal, the replica and a fresh copy know of it, merged. Where
/// nobody knows what its master had, it is not available.
/// </summary>
internal sealed class SessionFallback(Shard shard, ShardContext context)
{
    private readonly ShardJudge _judge = new(shard, context);
    private readonly LocalStore _store = shard.Store;

    /// <param name="key">The session's.</param>
    /// <param name="time">When it began.</param>
    /// <param name="mode">How the caller waits.</param>
    /// <param name="cancellationToken">Abandons the wait.</param>
    public async ValueTask<SessionLoad> LoadAsync(StoredKey key, OperationTime time, CallMode mode, CancellationToken cancellationToken)
    {
        if (context.FailoverMode == FailoverMode.Bypass)
        {
            return Answer(null, "miss", isAvailable: false, takesChanges: false);
        }

        await shard.GiveWayAsync(mode).ConfigureAwait(false);
        var replica = await AskReplicaAsync(key, time, mode, cancellationToken).ConfigureAwait(false);
        var local = FindLocal(key);
        var isAvailable = replica.IsAnswered || local is { IsComplete: true, IsFresh: true };
        var isGivenUp = replica.State is not null && LocalSessions.IsGivenUp(local.Kind, local.Header.Stamp, replica.Header.Stamp);
        var known = local.IsFresh && !isGivenUp ? local.State : null;
        var state = replica.State is { } read ? (known is null ? read : SessionState.Merge(read, known)) : known;
        if (replica is { IsAnswered: true, State: null } && !local.IsFresh)
        {
            // It is not there any more, and a later change is not to bring an old copy back.
            _store.ForgetCopy(key);
        }

        if (state is null || !isAvailable)
        {
            return Answer(state, "miss", isAvailable, takesChanges: true);
        }

        if ((replica.State is not null ? replica.Header : local.Header) is { IsSliding: true } header)
        {
            _store.KeepSession(key, header, state);
        }

        return Answer(state, replica.State is not null ? "replica" : local.IsJournal ? "journal" : "copy", isAvailable: true, takesChanges: true);
    }

    public static bool TryRead(EntryReader reader, out SessionState state) => SessionState.TryRead(reader.ToArray(), out state);

    private Local FindLocal(in StoredKey key)
    {
        var stripe = _store.StripeOf(key);
        lock (stripe.Lock)
        {
            if (stripe.Find(key.Name) is not { } entry || _store.SessionOf(entry) is not { } state)
            {
                return default;
            }

            var isJournal = entry is { Standing: not Standing.Standby, IsTouchOnly: false };
            var isFresh = isJournal || shard.Clock.NowMilliseconds - entry.ConfirmedAt <= context.MaxStaleness.TotalMilliseconds;
            return new Local(shard.Clock.IsCalibrated ? state : state.ByLocalClock(), entry.Kind, entry.Header, !entry.IsPartial, isFresh, isJournal);
        }
    }

    private async ValueTask<Answered> AskReplicaAsync(StoredKey key, OperationTime time, CallMode mode, CancellationToken cancellationToken)
    {
        await time.WaitAsync(shard.ReplicaSearch, mode, cancellationToken).ConfigureAwait(false);
        if (shard.Replica is not { } replica)
        {
            return default;
        }

        var answer = await AskAsync(replica, key, time, mode, cancellationToken).ConfigureAwait(false);
        if (answer.IsAnswered || !shard.ReplicaSearch.IsRunning)
        {
            return answer;
        }

        // At its promotion it closes all connections, and is there again.
        await time.WaitAsync(shard.ReplicaSearch, mode, cancellationToken).ConfigureAwait(false);
        return shard.Replica is { } again ? await AskAsync(again, key, time, mode, cancellationToken).ConfigureAwait(false) : default;
    }

    private async ValueTask<Answered> AskAsync(IServerConnection replica, StoredKey key, OperationTime time, CallMode mode, CancellationToken cancellationToken)
    {
        var reader = context.Readers.Rent();
        reader.Begin(shard.Clock);
        var reply = await time.AskAsync(replica, key, reader, mode, cancellationToken).ConfigureAwait(false);
        if (!_judge.JudgeReplica(replica, reply))
        {
            return default;
        }

        var answer = new Answered(true, null, default);
        if (reader.Outcome == EntryOutcome.Value && TryRead(reader, out var state))
        {
            shard.Clock.Observe(reader.Header.Stamp);
            answer = new Answered(true, state, reader.Header);
        }

        context.Readers.Return(reader);
        return answer;
    }

    private SessionLoad Answer(SessionState? state, string source, bool isAvailable, bool takesChanges)
    {
        context.Metrics.Read(shard.Name, isAvailable && state is not null);
        context.Metrics.FallbackRead(shard.Name, source);
        return new SessionLoad(state, isAvailable, takesChanges, shard.Name);
    }

    private readonly record struct Local(SessionState? State, LocalKind Kind, EntryHeader Header, bool IsComplete, bool IsFresh, bool IsJournal);

    private readonly record struct Answered(bool IsAnswered, SessionState? State, EntryHeader Header);
}
