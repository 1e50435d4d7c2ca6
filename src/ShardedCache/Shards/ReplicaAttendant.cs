using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Failover;
using ShardedCache.Sentinels;

namespace ShardedCache.Shards;

/// <summary>
/// Keeps a connection to a replica ready, so that from the first moment without a master what this process never saw, or another one
/// has changed since, can be read. One that is connected only then would leave a time in which copies hide it.
/// </summary>
/// <param name="shard">The shard.</param>
/// <param name="context">What it shares with the others.</param>
/// <param name="lastServed">The master that was recovered last; null before the first.</param>
internal sealed class ReplicaAttendant(Shard shard, ShardContext context, Func<ServedHistory?> lastServed)
{
    private const int TriesAfterLoss = 3;

    private static readonly TimeSpan ShortDelay = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>While the shard is up, and after an error that nobody expected, each of which is logged.</summary>
    private static readonly TimeSpan LongDelay = TimeSpan.FromSeconds(5);

    /// <summary>The replica that could be read last, and when it was last found fit.</summary>
    private (ServerAddress Address, DateTimeOffset At)? _read;

    public async Task RunAsync(CancellationToken stopping)
    {
        var moreTries = 0;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var (state, named, began) = (shard.Snapshot.State, context.Masters.Current(shard.Name), context.Time.GetTimestamp());
                var hasServed = false;
                foreach (var address in state == ShardState.Misconfigured ? [] : Candidates(named))
                {
                    hasServed |= await TryServeAsync(address, stopping).ConfigureAwait(false);
                }

                var isLost = hasServed && context.Time.GetElapsedTime(began) > RetryDelay;
                moreTries = isLost ? TriesAfterLoss : moreTries - 1;
                if (moreTries > 0 && shard.IsDown)
                {
                    // At its promotion a replica closes all connections, and may close the next one, too.
                    await Task.Delay(isLost ? TimeSpan.Zero : ShortDelay, context.Time, stopping).ConfigureAwait(false);
                    continue;
                }

                shard.ReplicaSearch.End();
                await PauseAsync(state, named.Version, stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // A replica that answers nonsense must neither end this for good nor come out when the cache is disposed.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                context.Logger.SupervisorFailed(shard.Name, exception);
                shard.ReplicaSearch.End();
                await Task.Delay(LongDelay, context.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>
    /// First the one that has just been promoted, while it is not served yet; last the one that was: a stopped server would cost a time-out.
    /// The Sentinels do not name a replica while their own connections to it are broken, as at its promotion.
    /// </summary>
    private IEnumerable<ServerAddress> Candidates(MasterSnapshot named)
    {
        var (now, last) = (shard.Snapshot, lastServed()?.Address);
        var promoted = named.Master is { } master && (master != last || now.State == ShardState.Recovering) ? [master] : (ServerAddress[])[];
        var served = now.State == ShardState.Up ? now.Master : null;
        var known = shard.IsDown && _read is { } read ? named.Replicas.Prepend(read.Address) : named.Replicas;
        return promoted.Concat(known.OrderBy(replica => replica == last)).Where(address => address != served).Distinct();
    }

    /// <summary>Until something has changed, or it is time to try again.</summary>
    private async Task PauseAsync(ShardState state, long version, CancellationToken stopping)
    {
        using var pause = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        await Task.WhenAny(
            Task.Delay(shard.IsDown ? RetryDelay : LongDelay, context.Time, pause.Token),
            shard.WaitForAsync(now => now != state, pause.Token),
            context.Masters.WaitForChangeAsync(shard.Name, version, pause.Token)).ConfigureAwait(false);
        await pause.CancelAsync().ConfigureAwait(false);
        stopping.ThrowIfCancellationRequested();
    }

    /// <summary>Whether it could be read, until it could no more.</summary>
    private async Task<bool> TryServeAsync(ServerAddress address, CancellationToken stopping)
    {
        var open = await context.Connector.OpenAsync(address, context.Connection, stopping).ConfigureAwait(false);
        if (!open.IsOpen)
        {
            return false;
        }

        var hasServed = false;
        var patience = shard.ReplicaSearch.Patience;
        var connection = open.Connection;
        await using (connection.ConfigureAwait(false))
        {
            try
            {
                while (true)
                {
                    var began = context.Time.GetTimestamp();
                    if (!await CheckAsync(connection, patience, stopping).ConfigureAwait(false))
                    {
                        break;
                    }

                    // One that is far away is not silent.
                    patience = Longer(shard.ReplicaSearch.Patience, 2 * context.Time.GetElapsedTime(began));
                    hasServed = true;
                    _read = (connection.Address, context.Time.GetUtcNow());
                    shard.OfferReplica(connection);
                    using var check = CancellationTokenSource.CreateLinkedTokenSource(stopping);
                    await Task.WhenAny(connection.Closed, Task.Delay(CheckInterval, context.Time, check.Token)).ConfigureAwait(false);
                    await check.CancelAsync().ConfigureAwait(false);
                    stopping.ThrowIfCancellationRequested();
                }
            }
            finally
            {
                shard.LoseReplica(connection);
            }
        }

        return hasServed;
    }

    /// <summary>
    /// Whether it can be read. Where nothing comes from it, reads go on without it meanwhile: the network may be gone, and their master with it,
    /// and each would wait for this one again.
    /// </summary>
    private async Task<bool> CheckAsync(IServerConnection connection, TimeSpan patience, CancellationToken stopping)
    {
        var check = IsFitAsync(connection, stopping);
        check.Observe();
        while (true)
        {
            try
            {
                return await check.WaitAsync(patience, context.Time, stopping).ConfigureAwait(false);
            }
            catch (TimeoutException) when (!(connection.MillisecondsSinceData >= patience.TotalMilliseconds))
            {
                // It has said something, and this process has not come to it yet.
            }
            catch (TimeoutException)
            {
                shard.OverlookReplica(connection);
                return await check.ConfigureAwait(false);
            }
        }
    }

    private async Task<bool> IsFitAsync(IServerConnection connection, CancellationToken cancellationToken)
    {
        // While there is a master it is that which tells the time.
        var hasTime = shard.Store.Clock.IsCalibrated && !shard.IsDown;
        if (connection.Closed.IsCompleted
            || (shard.Snapshot.State == ShardState.Up && shard.Snapshot.Master == connection.Address)
            || (!hasTime && await MasterCheck.CalibrateAsync(connection, shard.Store, context.Time, cancellationToken).ConfigureAwait(false) is not null)
            || await ReplicationState.AskAsync(connection, cancellationToken).ConfigureAwait(false) is not { IsSyncing: false } state)
        {
            return false;
        }

        if (state.IsMaster)
        {
            shard.ReplicaLag = shard.Lag.Last;

            // It may be the old one, cut off; but not where it has been verified, or was a replica of the one that was served last.
            return shard.Snapshot is { State: ShardState.Recovering } verified && verified.Master == connection.Address
                || (lastServed() is { } last && state.Former.Id == last.History && IsFresh(shard.Lag.Last ?? AgeOfFitness(connection.Address)));
        }

        if (!state.IsLinkUp && state.LinkDownFor is null)
        {
            return false;
        }

        // How long its own link was down before anyone here noticed; and how far behind it is itself, where it follows what was served last.
        var noticed = shard.IsDown ? context.Time.GetUtcNow() - shard.Snapshot.UpOrNotSince : TimeSpan.Zero;
        shard.ReplicaLag = lastServed() is { } served && served.History == state.Mark.Id ? shard.Lag.Behind(state.Mark.Offset) : shard.Lag.Last;
        return IsFresh((state.LinkDownFor ?? TimeSpan.Zero) - noticed) && IsFresh(shard.ReplicaLag ?? TimeSpan.Zero);
    }

    /// <summary>How long before the shard went down the replica was last found fit, if it was.</summary>
    private TimeSpan? AgeOfFitness(ServerAddress address) => _read is { } read && read.Address == address && shard.IsDown
        ? TimeSpan.FromTicks(Math.Max(0, (shard.Snapshot.UpOrNotSince - read.At).Ticks))
        : null;

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private bool IsFresh(TimeSpan? lag) => context.MaxStaleness > TimeSpan.Zero && lag <= context.MaxStaleness;
}
