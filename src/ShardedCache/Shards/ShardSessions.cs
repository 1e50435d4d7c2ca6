using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>
/// Reads sessions of one shard and merges what requests have changed. While the master does not answer, a session is what journal,
/// replica and copy know of it together.
/// </summary>
internal sealed class ShardSessions(Shard shard, ShardContext context)
{
    private readonly ShardJudge _judge = new(shard, context);
    private readonly SessionFallback _fallback = new(shard, context);
    private readonly LocalStore _store = shard.Store;

    public async ValueTask<SessionLoad> LoadAsync(StoredKey key, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("load session", shard.Name);
        var time = OperationTime.Begin(context);
        if (shard.Live is null)
        {
            await shard.WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
        }

        if (shard.Live is not { } connection)
        {
            return shard.HasFallback
                ? await _fallback.LoadAsync(key, time, mode, cancellationToken).ConfigureAwait(false)
                : throw _judge.Unavailable();
        }

        var known = context.IsJournaling ? _store.KnownOf(key) : default;
        var reader = context.Readers.Rent();
        reader.Begin(shard.Clock);
        var reply = await time.AskAsync(connection, key, reader, mode, cancellationToken).ConfigureAwait(false) ?? Reply.TimedOut;
        var isForeign = ShardJudge.IsForeign(reply, reader);
        var verdict = isForeign ? Verdict.Answered : _judge.Judge(connection, reply);
        if (verdict == Verdict.Answered)
        {
            var state = Take(connection, key, reader, isForeign, known, time);
            context.Readers.Return(reader);
            return new SessionLoad(state, IsAvailable: true, TakesChanges: true, shard.Name) { IsFromMaster = true };
        }

        if (verdict == Verdict.Refused || !shard.HasFallback)
        {
            throw _judge.Unavailable(connection, reply);
        }

        return await _fallback.LoadAsync(key, time, mode, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One that is new, as the shard is now. Nobody is asked, and at start-up its commit waits.</summary>
    public SessionLoad Begin()
    {
        var isAvailable = shard.Live is not null || shard.IsAwaitingFirstOutcome || (shard.HasFallback && context.IsJournaling);
        return isAvailable || shard.HasFallback
            ? new SessionLoad(isAvailable ? SessionState.Empty : null, isAvailable, TakesChanges: isAvailable, shard.Name)
            : throw _judge.Unavailable();
    }

    public async ValueTask CommitAsync(StoredKey key, SessionState? known, SessionChanges changes, long windowMilliseconds, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("commit session", shard.Name);
        cancellationToken.ThrowIfCancellationRequested();
        await _judge.RunAsync(token => CommitNowAsync(key, known, changes, windowMilliseconds, token), CallMode.Asynchronous, cancellationToken)
            .ConfigureAwait(false);
    }

    private async ValueTask CommitNowAsync(
        StoredKey key, SessionState? known, SessionChanges changes, long windowMilliseconds, CancellationToken cancellationToken)
    {
        IServerConnection? connection;
        PendingCommit commit;
        var stripe = _store.StripeOf(key);
        lock (stripe.Lock)
        {
            connection = _judge.Target();
            commit = Begin(stripe, connection, key, known, changes, windowMilliseconds, cancellationToken);
        }

        _store.Added();
        if (connection is null)
        {
            context.Metrics.FallbackWrite(shard.Name);
            await shard.GiveWayAsync(CallMode.Asynchronous).ConfigureAwait(false);
            return;
        }

        await FinishAsync(connection, key, commit, cancellationToken).ConfigureAwait(false);
    }

    public void KeepAlive(StoredKey key) => shard.KeepAlive(key, context.IsJournaling);

    /// <summary>Under the stripe's lock: stamps, journals and sends.</summary>
    private PendingCommit Begin(
        LocalStripe stripe,
        IServerConnection? connection,
        in StoredKey key,
        SessionState? known,
        SessionChanges changes,
        long windowMilliseconds,
        CancellationToken cancellationToken)
    {
        var write = context.IsJournaling
            ? _store.WriteSession(stripe, key, known, changes, windowMilliseconds, connection)
            : Stamp(known, changes, windowMilliseconds);
        if (connection is null)
        {
            return new(write, default);
        }

        shard.Touches.Stored(key.Name, write.Header, shard.Clock.NowMilliseconds);
        return new(write, Send(connection, key, write, write.ToSend, write.Whole is null ? SessionMerge.Live : SessionMerge.LiveToKnown, cancellationToken));
    }

    private ValueTask<Reply> Send(
        IServerConnection connection, in StoredKey key, in SessionWrite write, byte[] state, SessionMerge how, CancellationToken cancellationToken)
    {
        var now = shard.Clock.NowMilliseconds;
        return SessionCommand.Send(
            connection, key, write.Header, state, TouchPolicy.TimeToLive(write.Header, now), now, how, _store, cancellationToken);
    }

    /// <summary>Where nothing is journaled. The server makes the changes later than what it has.</summary>
    private SessionWrite Stamp(SessionState? known, SessionChanges changes, long windowMilliseconds)
    {
        var change = changes.ToState(known, known?.Newest ?? default, shard.Clock, out var stamp);
        var whole = SessionWrite.WholeOf(known, changes, SessionState.Merge(known, change));
        return new(default, SessionWrite.HeaderOf(stamp, windowMilliseconds), change.ToBytes(), whole, null);
    }

    private async ValueTask FinishAsync(IServerConnection connection, StoredKey key, PendingCommit commit, CancellationToken cancellationToken)
    {
        var (write, pending) = commit;
        Reply reply;
        try
        {
            reply = await pending.ConfigureAwait(false);
            if (write.Whole is { } whole && reply is { Kind: ReplyKind.Ok, Integer: 0 })
            {
                // It has expired there or was evicted since its request has read it: changes alone would be half a session. Whoever comes
                // between is not older than they are, so their stamps decide.
                write = SendingAgain(key, write, connection);
                reply = await SendAgainAsync(connection, key, write, whole, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Whether the server has it is unknown: so it is brought there again.
            if (context.IsJournaling)
            {
                _store.SessionUnanswered(key, write.Entry, connection);
            }

            throw;
        }

        switch (_judge.JudgeWrite(connection, reply))
        {
            case Verdict.Answered:
                if (context.IsJournaling)
                {
                    _store.SessionAnswered(key, write.Entry, connection, write.Header.Stamp, reply.Integer - 1);
                }

                return;
            case Verdict.Unavailable or Verdict.NotWriting or Verdict.Full when context.IsJournaling:
                // A server without memory takes it when there is some again; until then the journal speaks for the session.
                _store.SessionUnanswered(key, write.Entry, connection);
                context.Metrics.FallbackWrite(shard.Name);
                return;
            case Verdict.Unavailable or Verdict.NotWriting or Verdict.Full when context.FailoverMode == FailoverMode.Bypass:
                context.Metrics.FallbackWrite(shard.Name);
                return;
            default:
                if (context.IsJournaling)
                {
                    _store.SessionRefused(write);
                }

                throw _judge.Unavailable(connection, reply);
        }
    }

    /// <summary>A read that is under way now says nothing of what is sent behind it.</summary>
    private SessionWrite SendingAgain(in StoredKey key, in SessionWrite write, IServerConnection connection)
    {
        var stripe = _store.StripeOf(key);
        lock (stripe.Lock)
        {
            if (write.Entry.Current is not { Standing: Standing.Sent } entry)
            {
                return write;
            }

            stripe.Move(entry, Standing.Sent, connection);
            return write with { Entry = EntryRef.To(entry) };
        }
    }

    /// <summary>Within what is left of the commit's time.</summary>
    private async ValueTask<Reply> SendAgainAsync(
        IServerConnection connection, StoredKey key, SessionWrite write, SessionState whole, CancellationToken cancellationToken)
    {
        using var limit = OperationTime.Resume(context, shard.Clock.ElapsedSince(write.Header.Stamp)).Limit(cancellationToken);
        try
        {
            return await Send(connection, key, write, whole.ToBytes(), SessionMerge.Replay, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Reply.TimedOut;
        }
    }

    private SessionState? Take(
        IServerConnection connection, in StoredKey key, EntryReader reader, bool isForeign, in KnownSession known, in OperationTime time)
    {
        var state = SessionState.Empty;
        var isFound = !isForeign && reader.Outcome == EntryOutcome.Value && SessionFallback.TryRead(reader, out state);
        if (isForeign || (reader.Outcome == EntryOutcome.Value && !isFound))
        {
            context.Metrics.Foreign(shard.Name);
        }

        context.Metrics.Read(shard.Name, isFound);
        if (!isForeign)
        {
            _judge.ObserveStamp(reader);
        }

        if (!isFound)
        {
            return context.IsJournaling ? _store.ObserveNoSession(key, known, connection) : null;
        }

        var header = reader.Header;
        if (context.IsJournaling)
        {
            state = _store.ObserveSession(key, known, header, state, state.Length, connection);
        }

        shard.Touch(connection, key, header, time, context.IsJournaling);
        return state;
    }

    /// <param name="Write">What is sent.</param>
    /// <param name="Reply">None where no server was there to send to.</param>
    private readonly record struct PendingCommit(SessionWrite Write, ValueTask<Reply> Reply);
}
