using ShardedCache.Connections;
using ShardedCache.Diagnostics;

namespace ShardedCache.Failover;

/// <summary>What the journal of a shard needs to know of the world.</summary>
/// <param name="OpenControl">Opens one more connection to the master: <c>WAIT</c> blocks its connection.</param>
/// <param name="Promotable">
/// How many replicas the Sentinels could promote in place of this master, any number where they name another one; null where nothing is ever
/// promoted.
/// </param>
/// <param name="Time">Of all pauses.</param>
internal sealed record JournalContext(
    Func<ServerAddress, CancellationToken, ValueTask<OpenResult>> OpenControl, Func<ServerAddress, int?> Promotable, TimeProvider Time);

/// <summary>
/// The journal of one shard over the life of its masters: replays it to each new one, sends again what got no answer, and lets go of
/// what is proven to be on every replica that could be promoted.
/// </summary>
internal sealed class JournalKeeper(string shard, LocalStore store, JournalContext context, ShardedCacheMetrics metrics)
{
    private static readonly TimeSpan ProofInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>After a master has refused to write, had no memory, or would not be asked.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Between the steps of an eviction that is replayed.</summary>
    private static readonly TimeSpan StepPause = TimeSpan.FromMilliseconds(1);

    private readonly JournalReplay _replay = new(shard, store, metrics);
    private ProofLedger _ledger = new();
    private string _history = string.Empty;
    private ServedHistory? _lastServed;

    /// <summary>The master that was recovered last; null before the first.</summary>
    public ServedHistory? LastServed => Volatile.Read(ref _lastServed);

    /// <summary>Brings a verified master up to what this process has written and read, then lets <paramref name="publish"/> put it into service.</summary>
    /// <returns>Why it may not serve, or null.</returns>
    public async Task<string?> RecoverAsync(IServerConnection connection, Action publish, CancellationToken cancellationToken)
    {
        if (await ReplicationState.AskAsync(connection, cancellationToken).ConfigureAwait(false) is not { } state)
        {
            return $"{connection.Address} did not tell its replication state";
        }

        var (ledger, history) = (_ledger, _history);
        _replay.Sort(connection, round => IsSameHistory(history, state) || (ledger.MarkOf(round) is { } mark && state.Contains(mark)));
        (_ledger, _history) = (new ProofLedger(ledger.LastRound), state.Mark.Id);
        Volatile.Write(ref _lastServed, new ServedHistory(connection.Address, state.Mark.Id));
        return await _replay.RecoverAsync(connection, publish, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>While the connection serves. Returns why it may not serve any longer.</summary>
    public async Task<string> KeepAsync(IServerConnection connection, CancellationToken cancellationToken)
    {
        IServerConnection? control = null;
        try
        {
            while (true)
            {
                await store.WaitForWorkAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
                var pause = ProofInterval;
                if (store.Pending > 0)
                {
                    var outcome = await _replay.SendPendingAsync(connection, cancellationToken).ConfigureAwait(false);
                    store.IsWriteRefused = outcome.IsRefused;
                    pause = outcome.IsRefused || outcome.IsFull ? Pause
                        : outcome.Failure is null && store.Pending > 0 ? StepPause : pause;
                }

                if (context.Promotable(connection.Address) is null)
                {
                    await RetireAllAsync(connection, cancellationToken).ConfigureAwait(false);
                }
                else
                {
                    if (control is null or { Closed.IsCompleted: true })
                    {
                        control = await OpenControlAsync(control, connection.Address, cancellationToken).ConfigureAwait(false);
                    }

                    var lost = control is null ? null : await ProveAsync(connection, control, cancellationToken).ConfigureAwait(false);
                    if (lost is not null)
                    {
                        return lost;
                    }

                    pause = control is null ? Pause : pause;
                }

                await Task.Delay(pause, context.Time, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            if (control is not null)
            {
                await control.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits until nothing is pending any more, and not for long where that was only read or used.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        var began = context.Time.GetTimestamp();
        while (store.Undelivered > 0 || (store.Pending > 0 && context.Time.GetElapsedTime(began) < Pause))
        {
            await Task.Delay(ProofInterval, context.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool IsSameHistory(string history, ReplicationState state) => history.Length > 0 && history == state.Mark.Id;

    private async Task RetireAllAsync(IServerConnection connection, CancellationToken cancellationToken)
    {
        var round = _ledger.NextRound();
        store.Close(round);

        // A use counts as acknowledged when it is sent; once what is sent behind it is answered, it is.
        if (await ReplicationState.AskAsync(connection, cancellationToken).ConfigureAwait(false) is not null)
        {
            store.Retire(round);
        }
    }

    private async Task<string?> ProveAsync(IServerConnection connection, IServerConnection control, CancellationToken cancellationToken)
    {
        var round = _ledger.NextRound();
        store.Close(round);

        // No shard has a thousand replicas: so the master asks all of them how far they are, instead of answering at once.
        await control.ExecuteAsync(new[] { "WAIT", "1000", "1" }, cancellationToken).ConfigureAwait(false);

        // Over the connection that serves, behind all that was sent on it.
        if (await ReplicationState.AskAsync(connection, cancellationToken).ConfigureAwait(false) is not { } state)
        {
            return null;
        }

        if (state.Mark.Id != _history)
        {
            return $"{connection.Address} has begun another history of its data";
        }

        // Asked last: what one master's replicas have proves nothing once another one is named.
        _ledger.Take(round, state, context.Promotable(connection.Address) ?? 0);
        store.Retire(_ledger.Safe);
        return null;
    }

    private async ValueTask<IServerConnection?> OpenControlAsync(IServerConnection? before, ServerAddress address, CancellationToken cancellationToken)
    {
        if (before is not null)
        {
            await before.DisposeAsync().ConfigureAwait(false);
        }

        var open = await context.OpenControl(address, cancellationToken).ConfigureAwait(false);
        return open.Connection;
    }
}

/// <param name="Address">A master's.</param>
/// <param name="History">The replication id of its data.</param>
internal sealed record ServedHistory(ServerAddress Address, string History);
