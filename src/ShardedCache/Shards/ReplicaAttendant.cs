using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Failover;

namespace ShardedCache.Shards;

/// <summary>
/// Keeps a connection to a replica while the shard is not up, so that what this process never saw can still be read. Nobody waits
/// for it: without one, reads go on with what is in memory.
/// </summary>
internal sealed class ReplicaAttendant(Shard shard, ShardContext context)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>After an error that nobody expected, each of which is logged.</summary>
    private static readonly TimeSpan LongDelay = TimeSpan.FromSeconds(5);

    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await shard.WaitForAsync(IsDown, stopping).ConfigureAwait(false);
                foreach (var address in context.Masters.Current(shard.Name).Replicas.Where(replica => replica != shard.Snapshot.Master))
                {
                    await TryServeAsync(address, stopping).ConfigureAwait(false);
                    if (!IsDown(shard.Snapshot.State))
                    {
                        break;
                    }
                }

                await Task.Delay(RetryDelay, context.Time, stopping).ConfigureAwait(false);
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
                await Task.Delay(LongDelay, context.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static bool IsDown(ShardState state) => state is ShardState.Suspect or ShardState.FailingOver or ShardState.Recovering;

    private async Task TryServeAsync(ServerAddress address, CancellationToken stopping)
    {
        var open = await context.Connector.OpenAsync(address, context.Settings, stopping).ConfigureAwait(false);
        if (!open.IsOpen)
        {
            return;
        }

        var connection = open.Connection;
        await using (connection.ConfigureAwait(false))
        {
            if (!await IsFitAsync(connection, stopping).ConfigureAwait(false))
            {
                return;
            }

            shard.Replica = connection;
            try
            {
                using var serving = CancellationTokenSource.CreateLinkedTokenSource(stopping);
                await Task.WhenAny(connection.Closed, shard.WaitForAsync(static state => !IsDown(state), serving.Token)).ConfigureAwait(false);
                await serving.CancelAsync().ConfigureAwait(false);
            }
            finally
            {
                shard.Replica = null;
            }
        }
    }

    /// <summary>A server that calls itself master is none to read here: it may be the old one, cut off.</summary>
    private async Task<bool> IsFitAsync(IServerConnection connection, CancellationToken cancellationToken)
    {
        if (await MasterCheck.CalibrateAsync(connection, shard.Store, context.Time, cancellationToken).ConfigureAwait(false) is not null
            || await ReplicationState.AskAsync(connection, cancellationToken).ConfigureAwait(false) is not { IsMaster: false, IsSyncing: false } state
            || (!state.IsLinkUp && state.LinkDownFor is null))
        {
            return false;
        }

        // What the master last said of it or, where it never did, how long its link was down before anyone here noticed.
        var lag = shard.Lag.Last ?? (state.LinkDownFor ?? TimeSpan.Zero) - (context.Time.GetUtcNow() - shard.Snapshot.Since);
        return context.MaxStaleness > TimeSpan.Zero && lag <= context.MaxStaleness;
    }
}
