using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>
/// The output cache's pages on one shard. Unlike entries they are never read from a replica or a copy: what this process cannot prove
/// to be evicted by nobody is a miss, and the page is made again.
/// </summary>
internal sealed class ShardPages(Shard shard, ShardContext context)
{
    /// <summary>A tag of some thousand pages is evicted without a pause.</summary>
    private const int StepsWithoutPause = 200;

    private const int StepsBetweenPauses = 2;

    /// <summary>Leaves the server time for others: the eviction takes longer, and they hardly notice.</summary>
    private static readonly TimeSpan StepPause = TimeSpan.FromMilliseconds(1);

    private readonly ShardJudge _judge = new(shard, context);
    private readonly LocalStore _store = shard.Store;

    public Shard Shard => shard;

    /// <summary>Reads a page; true where the reader has collected the payload that <see cref="PageFormat"/> describes.</summary>
    public async ValueTask<bool> GetAsync(StoredKey key, EntryReader reader, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("get page", shard.Name);
        if (shard.HasFallback && Find(key) is { IsOwed: true } owed)
        {
            await shard.GiveWayAsync(CallMode.Asynchronous).ConfigureAwait(false);
            return Answer(key, reader, owed);
        }

        var time = OperationTime.Begin(context);
        if (shard.Live is null)
        {
            await shard.WaitForFirstOutcomeAsync(CallMode.Asynchronous, cancellationToken).ConfigureAwait(false);
        }

        var connection = _judge.Target();
        var reply = connection is null
            ? default
            : await time.AskAsync(connection, key, reader, CallMode.Asynchronous, cancellationToken).ConfigureAwait(false) ?? Reply.TimedOut;
        if (connection is not null && Finish(connection, key, reader, reply) is { } isFound)
        {
            return isFound;
        }

        if (!shard.HasFallback || !reader.TryRestart())
        {
            throw connection is null ? _judge.Unavailable() : _judge.Unavailable(connection, reply);
        }

        await shard.GiveWayAsync(CallMode.Asynchronous).ConfigureAwait(false);
        return Answer(key, reader, Find(key));
    }

    /// <summary>Writes a page with its tags. The array is the store's from now on.</summary>
    public async ValueTask SetAsync(StoredKey key, byte[] page, IReadOnlyList<string> tags, TimeSpan life, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("set page", shard.Name);
        cancellationToken.ThrowIfCancellationRequested();
        await _judge.RunAsync(token => SetNowAsync(key, page, tags, life, token), CallMode.Asynchronous, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask SetNowAsync(StoredKey key, byte[] page, IReadOnlyList<string> tags, TimeSpan life, CancellationToken cancellationToken)
    {
        LocalEntry entry;
        IServerConnection? connection;
        ValueTask<Reply> pending;
        var stripe = _store.StripeOf(key);
        lock (stripe.Lock)
        {
            connection = _judge.Target();
            var expiration = EntryExpiration.From(new() { AbsoluteExpirationRelativeToNow = life }, default, shard.Clock.NowMilliseconds);
            entry = stripe.Create(key, LocalKind.Value, EntryHeader.Value(shard.Clock.Next(), expiration), PayloadCopy.Around(page));
            (entry.Page, entry.IsShared) = (new PageRecord(tags), true);
            _store.Write(stripe, entry, connection);
            pending = connection is null ? default : PageCommand.Set(connection, entry, _store, isReplay: false, cancellationToken);
            if (!context.IsJournaling)
            {
                // It was there for the command alone; what no server was told is still to be invalidated.
                if (connection is null)
                {
                    stripe.Shrink(entry);
                }
                else
                {
                    stripe.Forget(entry);
                }
            }
        }

        _store.Added();
        await FinishAsync(entry, connection, pending).ConfigureAwait(false);
    }

    /// <summary>
    /// Evicts the pages that carry the tag and were written before, step by step. Without a server that does it, the journal keeps
    /// the eviction.
    /// </summary>
    public async Task EvictAsync(StoredKey key, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("evict tag", shard.Name);
        cancellationToken.ThrowIfCancellationRequested();
        var (entry, connection, result) = (default(LocalEntry), default(IServerConnection), 0L);
        await _judge.RunAsync(
            async token =>
            {
                (entry, connection, var pending) = BeginEviction(key, token);
                result = await FinishAsync(entry, connection, pending).ConfigureAwait(false);
            },
            CallMode.Asynchronous,
            cancellationToken).ConfigureAwait(false);

        for (var steps = 1; result == 1; steps++)
        {
            if (steps > StepsWithoutPause && steps % StepsBetweenPauses == 0)
            {
                await Task.Delay(StepPause, context.Time, CancellationToken.None).ConfigureAwait(false);
            }

            // Where the caller gives up in between, this throws, and the journal, where there is one, goes on.
            var pending = PageCommand.Evict(connection!, entry!, _store, EvictionStep.Next, cancellationToken);
            result = await FinishAsync(entry!, connection, pending).ConfigureAwait(false);
        }
    }

    private (LocalEntry Entry, IServerConnection? Connection, ValueTask<Reply> Pending) BeginEviction(StoredKey key, CancellationToken cancellationToken)
    {
        LocalEntry entry;
        IServerConnection? connection;
        ValueTask<Reply> pending;
        var stripe = _store.StripeOf(key);
        lock (stripe.Lock)
        {
            connection = _judge.Target();
            entry = stripe.Create(key, LocalKind.Eviction, EntryHeader.Tombstone(shard.Clock.Next()), null);
            entry.IsShared = true;
            _store.Write(stripe, entry, connection);
            pending = connection is null ? default : PageCommand.Evict(connection, entry, _store, EvictionStep.First, cancellationToken);
        }

        _store.Added();
        return (entry, connection, pending);
    }

    /// <summary>Null where the server gave no answer that counts.</summary>
    private bool? Finish(IServerConnection connection, in StoredKey key, EntryReader reader, in Reply reply)
    {
        var isForeign = ShardJudge.IsForeign(reply, reader);
        var verdict = isForeign ? Verdict.Answered : _judge.Judge(connection, reply);
        if (verdict == Verdict.Refused)
        {
            throw _judge.Unavailable(connection, reply);
        }

        if (verdict != Verdict.Answered)
        {
            return null;
        }

        var isFound = reply.Kind == ReplyKind.Ok && reader.Outcome == EntryOutcome.Value;
        isForeign |= isFound && !PageFormat.TryFindBody(reader.Collected, out _);
        if (isForeign)
        {
            context.Metrics.Foreign(shard.Name);
            isFound = false;
        }
        else
        {
            _judge.ObserveStamp(reader);
        }

        isFound = isFound && !PageKeys.IsEvicted(_store, key.Prefix, reader);
        context.Metrics.Read(shard.Name, isFound);
        return isFound;
    }

    /// <summary>Awaits the answer to a write. Returns it, or 0 where there is none and none is needed.</summary>
    private async ValueTask<long> FinishAsync(LocalEntry entry, IServerConnection? connection, ValueTask<Reply> pending)
    {
        if (connection is null)
        {
            context.Metrics.FallbackWrite(shard.Name);
            await shard.GiveWayAsync(CallMode.Asynchronous).ConfigureAwait(false);
            return 0;
        }

        Reply reply;
        try
        {
            reply = await pending.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (context.FailoverMode == FailoverMode.Throw)
            {
                _store.Forget(EntryRef.To(entry));
                throw;
            }

            // Whether the server has it is unknown: so it is brought there again.
            Unanswered(entry, connection, mayHaveIt: true);
            throw;
        }

        var verdict = _judge.JudgeWrite(connection, reply);
        switch (verdict)
        {
            case Verdict.Answered:
                Answered(entry, connection, reply.Integer);
                return reply.Integer;
            case Verdict.Refused:
            case var _ when context.FailoverMode == FailoverMode.Throw:
                // The caller learns that it failed, so nothing may bring it later.
                _store.Forget(EntryRef.To(entry));
                throw _judge.Unavailable(connection, reply);
            default:
                Unanswered(entry, connection, mayHaveIt: reply.Kind is ReplyKind.TimedOut or ReplyKind.ConnectionLost);
                context.Metrics.FallbackWrite(shard.Name);
                return 0;
        }
    }

    private void Answered(LocalEntry entry, IServerConnection connection, long result)
    {
        switch (entry.Kind, result)
        {
            case (LocalKind.Eviction, 1):
                break;
            case (LocalKind.Eviction, _) when !context.IsJournaling:
                _store.Forget(EntryRef.To(entry));
                break;
            case (not LocalKind.Eviction, 0):
                // Its tag was evicted later.
                _store.Superseded(EntryRef.To(entry), connection);
                break;
            case (not LocalKind.Eviction, EntryScripts.RemovedForLackOfMemory):
                context.Metrics.Evicted(shard.Name);
                if (context.IsJournaling)
                {
                    _store.Evicted(EntryRef.To(entry), isAcknowledged: true);
                }

                break;
            default:
                _store.Answered(EntryRef.To(entry), connection, isAcknowledged: true);
                break;
        }
    }

    private void Unanswered(LocalEntry entry, IServerConnection connection, bool mayHaveIt)
    {
        if (mayHaveIt)
        {
            _store.MayBeThere(EntryRef.To(entry));
        }

        if (entry.IsDetached && context.FailoverMode == FailoverMode.Bypass)
        {
            var stripe = _store.StripeOf(entry.Key);
            lock (stripe.Lock)
            {
                stripe.Invalidate(entry);
            }
        }
        else
        {
            _store.Answered(EntryRef.To(entry), connection, isAcknowledged: false);
        }

        _store.Added();
    }

    /// <summary>What the journal has under the key that no server was known to have yet.</summary>
    private LocalPage Find(in StoredKey key)
    {
        var stripe = _store.StripeOf(key);
        lock (stripe.Lock)
        {
            var entry = stripe.Find(key.Name);
            var isReadable = entry is { Kind: LocalKind.Value, Page.WasAcknowledged: false, Payload: not null } && !entry.HasExpired(shard.Clock.NowMilliseconds);
            return new(entry is { Overlays: true }, isReadable ? entry!.Payload!.Value.Memory : default(ReadOnlyMemory<byte>?), entry?.Page?.Tags ?? [], entry?.Header.Stamp ?? default);
        }
    }

    /// <summary>Answers in place of the server: with what this process wrote, or with a miss.</summary>
    private bool Answer(in StoredKey key, EntryReader reader, in LocalPage page)
    {
        // Without the lock: evictions lie in another stripe.
        var isFound = page.Body is not null && !PageKeys.IsEvicted(_store, key.Prefix, page.Tags, page.Stamp);
        context.Metrics.Read(shard.Name, isFound);
        context.Metrics.FallbackRead(shard.Name, isFound ? "journal" : "miss");
        if (isFound)
        {
            reader.Supply(PageFormat.NoTags);
            reader.Supply(page.Body!.Value.Span);
        }

        return isFound;
    }

    /// <param name="IsOwed">Whether the server is not to be asked, because it does not have yet what this process wrote.</param>
    /// <param name="Body">Null where there is no page to read.</param>
    /// <param name="Tags">The page's.</param>
    /// <param name="Stamp">The page's.</param>
    private readonly record struct LocalPage(bool IsOwed, ReadOnlyMemory<byte>? Body, IReadOnlyList<string> Tags, Stamp Stamp);
}
