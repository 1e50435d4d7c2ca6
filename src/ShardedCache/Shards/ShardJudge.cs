using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;

namespace ShardedCache.Shards;

/// <summary>What a reply means for the operation and for the shard.</summary>
internal enum Verdict : byte
{
    Answered,

    /// <summary>The server did not answer, or may not serve now: the operation is for the fallback.</summary>
    Unavailable,

    /// <summary>The server reads and does not write.</summary>
    NotWriting,

    /// <summary>The server has no memory for the value.</summary>
    Full,

    /// <summary>Only a change of configuration helps, and must not be hidden.</summary>
    Refused,
}

/// <summary>
/// Tells replies apart by their code word alone, and takes a connection out of service whose server may not serve. A single
/// time-out takes nothing out of service: a connection that is dead finds it out itself.
/// </summary>
internal sealed class ShardJudge(Shard shard, ShardContext context)
{
    private IServerConnection? _permissionsLoggedFor;

    public Verdict Judge(IServerConnection connection, in Reply reply)
    {
        switch (reply)
        {
            case { Kind: ReplyKind.Ok or ReplyKind.Nil }:
                return Verdict.Answered;
            case { Kind: ReplyKind.TimedOut }:
                return Verdict.Unavailable;
            case { Kind: ReplyKind.ConnectionLost }:
            case { Error: ServerErrorCode.ReadOnly or ServerErrorCode.MasterDown or ServerErrorCode.Loading or ServerErrorCode.Busy }:
                // Closed in any case: what is out of service and well would never be replaced.
                shard.Abandon(connection, Describe(connection, reply));
                return Verdict.Unavailable;
            case { Error: ServerErrorCode.Misconf or ServerErrorCode.NoReplicas }:
                return Verdict.NotWriting;
            case { Error: ServerErrorCode.OutOfMemory }:
                return Verdict.Full;
            case { Error: ServerErrorCode.NoAuth }:
                shard.Abandon(connection, Describe(connection, reply));
                return Verdict.Refused;
            default:
                if (reply.Error == ServerErrorCode.NoPerm && Interlocked.Exchange(ref _permissionsLoggedFor, connection) != connection)
                {
                    context.Logger.CommandForbidden(shard.Name, connection.Address, reply.ErrorText);
                }

                if (reply.Error != ServerErrorCode.WrongType)
                {
                    shard.Refuse(Describe(connection, reply));
                }

                return Verdict.Refused;
        }
    }

    /// <summary>The same for a write, whose answer also tells whether the master writes now.</summary>
    public Verdict JudgeWrite(IServerConnection connection, in Reply reply)
    {
        var verdict = Judge(connection, reply);
        if (verdict != Verdict.Refused)
        {
            shard.Store.IsWriteRefused = verdict == Verdict.NotWriting;
        }

        return verdict;
    }

    /// <summary>
    /// Whether a replica has answered. One that has closed its connection is sought anew, for at its promotion it does so and is there again;
    /// one that is silent or may not serve is given up. No reply, because the operation had no time for it, says nothing of the replica.
    /// </summary>
    public bool JudgeReplica(IServerConnection replica, in Reply? reply)
    {
        switch (reply)
        {
            case null:
                return false;
            case { Kind: ReplyKind.ConnectionLost }:
                shard.LoseReplica(replica);
                return false;
            case { Kind: ReplyKind.TimedOut } or { Kind: ReplyKind.ServerError, Error: not ServerErrorCode.WrongType }:
                shard.GiveUpReplica(replica);
                return false;
            default:
                return true;
        }
    }

    /// <summary>Something else lies under the key: a miss, whatever it is.</summary>
    public static bool IsForeign(in Reply reply, EntryReader reader) =>
        reply is { Kind: ReplyKind.ServerError, Error: ServerErrorCode.WrongType }
        || (reply.Kind == ReplyKind.Ok && reader.Outcome == EntryOutcome.Foreign);

    /// <summary>Later stamps of this process are to be past the one that was read.</summary>
    public void ObserveStamp(EntryReader reader)
    {
        if (reader.Outcome != EntryOutcome.None && !shard.Clock.Observe(reader.Header.Stamp))
        {
            context.Metrics.StampRefused(shard.Name);
        }
    }

    /// <summary>The exception for a reply that the fallback may not or cannot answer in place of.</summary>
    public ShardUnavailableException Unavailable(IServerConnection connection, in Reply reply) => Unavailable(
        Describe(connection, reply), reply.Kind == ReplyKind.ServerError ? reply.Error.ToString() : reply.Kind.ToString());

    /// <summary>The exception where no connection serves.</summary>
    public ShardUnavailableException Unavailable()
    {
        var snapshot = shard.Snapshot;
        return Unavailable($"{snapshot.State} since {snapshot.Since:O}: {snapshot.Reason ?? "no answer yet"}", snapshot.State.ToString());
    }

    /// <summary>The connection that serves, or null where the fallback is to answer. Under a stripe's lock it cannot change.</summary>
    public IServerConnection? Target() => shard.Live ?? (shard.HasFallback ? null : throw Unavailable());

    /// <summary>
    /// Runs a write, at start-up once there is a first outcome, within the time of the operation that began now. What no server has answered by
    /// then is for the fallback, as <see cref="OperationCanceledException"/> has told the write.
    /// </summary>
    public async ValueTask RunAsync(Func<CancellationToken, ValueTask> write, CallMode mode, CancellationToken cancellationToken)
    {
        if (shard.Live is not null)
        {
            await write(cancellationToken).ConfigureAwait(false);
            return;
        }

        var time = OperationTime.Begin(context);
        await shard.WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);

        // Throws where nothing could take the write.
        _ = Target();
        using var limit = time.Limit(cancellationToken);
        try
        {
            await write(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            if (context.FailoverMode == FailoverMode.Throw)
            {
                throw shard.Live is { } live ? Unavailable(live, Reply.TimedOut) : Unavailable();
            }

            context.Metrics.FallbackWrite(shard.Name);
        }
    }

    private string Describe(IServerConnection connection, in Reply reply) => reply.Kind switch
    {
        ReplyKind.TimedOut => $"{connection.Address} did not reply within {context.ServerTimeout.TotalMilliseconds:0} ms",
        ReplyKind.ConnectionLost => $"the connection to {connection.Address} was lost",
        _ => $"{connection.Address} answers with: {reply.ErrorText}",
    };

    private ShardUnavailableException Unavailable(string reason, string errorType)
    {
        context.Metrics.Failed(shard.Name, errorType);
        ShardedCacheActivities.Fail(errorType);
        return new ShardUnavailableException(shard.Name, reason);
    }
}
