using System.Globalization;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Sentinels;

namespace ShardedCache.Shards;

/// <summary>
/// Keeps one shard served: finds its master, verifies it, publishes the connection, watches it, and starts over when the
/// connection ended or another server is master. Runs for the cache's life and never throws.
/// </summary>
internal sealed class ShardSupervisor(Shard shard, ShardContext context) : IAsyncDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestRetryDelay = TimeSpan.FromMilliseconds(500);

    private readonly RuleGuard _guard = new(context.Rule);
    private readonly CancellationTokenSource _stopping = new();
    private Task _loop = Task.CompletedTask;
    private IServerConnection? _previous;
    private ServerIdentity? _previousServer;

    public void Start()
    {
        _loop = Task.Run(() => SuperviseAsync(_stopping.Token));
        _ = Task.Delay(context.Settings.ConnectTimeout + context.Settings.OperationTimeout, context.Time, _stopping.Token)
            .ContinueWith(_ => shard.ReleaseFirstCallers(), TaskScheduler.Default);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task SuperviseAsync(CancellationToken stopping)
    {
        var retryDelay = FirstRetryDelay;
        while (!stopping.IsCancellationRequested)
        {
            var master = context.Masters.Current(shard.Name);
            var served = false;
            try
            {
                served = await TryServeAsync(master, stopping).ConfigureAwait(false);
                retryDelay = served ? FirstRetryDelay : TimeSpan.FromTicks(Math.Min(retryDelay.Ticks * 2, LongestRetryDelay.Ticks));
                context.Masters.RequestRefresh(shard.Name);
                await WaitForChangeAsync(master, retryDelay, stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // A shard that is no longer supervised would stay down for ever.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                context.Logger.SupervisorFailed(shard.Name, exception);
                shard.Report(ShardEvent.AttemptFailed, null, "an internal error, see the log");
                await WaitForChangeAsync(master, LongestRetryDelay, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Makes one attempt. Returns whether the shard was up, after that has ended.</summary>
    private async Task<bool> TryServeAsync(MasterSnapshot master, CancellationToken stopping)
    {
        if (master.Master is not { } address)
        {
            ReportNoMaster(master);
            return false;
        }

        if (await OpenAsync(address, master.Version, stopping).ConfigureAwait(false) is not { } open)
        {
            return false;
        }

        if (!open.IsOpen)
        {
            shard.Report(open.Fault.IsConfigurationError ? ShardEvent.Refused : ShardEvent.AttemptFailed, address, open.Fault.Message);
            return false;
        }

        try
        {
            return await ServeAsync(open.Connection, stopping).ConfigureAwait(false);
        }
        finally
        {
            shard.Retire();
            await open.Connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<bool> ServeAsync(IServerConnection connection, CancellationToken stopping)
    {
        if (await VerifyAsync(connection, stopping).ConfigureAwait(false) is { } refusal)
        {
            shard.Report(refusal.IsConfigurationError ? ShardEvent.Refused : ShardEvent.AttemptFailed, connection.Address, refusal.Reason);
            return false;
        }

        shard.Report(ShardEvent.Verified, connection.Address, null);
        await EndPreviousAsync(connection, stopping).ConfigureAwait(false);
        shard.Touches.Clear();
        shard.Publish(connection);
        shard.Withdraw(connection, await WatchAsync(connection, stopping).ConfigureAwait(false));
        return true;
    }

    /// <summary>Opens a connection; null where a newer answer of the Sentinels ended an attempt that might never have been answered.</summary>
    private async Task<OpenResult?> OpenAsync(ServerAddress address, long version, CancellationToken stopping)
    {
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var newerAnswer = CancelOnChangeAsync(version, attempt);
        try
        {
            return await context.Connector.OpenAsync(address, context.Settings, attempt.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            await attempt.CancelAsync().ConfigureAwait(false);
            await newerAnswer.ConfigureAwait(false);
        }
    }

    private async Task CancelOnChangeAsync(long version, CancellationTokenSource attempt)
    {
        try
        {
            await context.Masters.WaitForChangeAsync(shard.Name, version, attempt.Token).ConfigureAwait(false);
            await attempt.CancelAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The attempt ended first.
        }
    }

    private async ValueTask<ShardRefusal?> VerifyAsync(IServerConnection connection, CancellationToken stopping)
    {
        var refusal = await MasterCheck.ConfirmRoleAsync(connection, stopping).ConfigureAwait(false);
        if (refusal is null or { IsConfigurationError: false })
        {
            context.Masters.ReportRole(shard.Name, connection.Address, refusal is null ? ServerRole.Master : ServerRole.Replica);
        }

        return refusal
            ?? await _guard.CheckAsync(connection, stopping).ConfigureAwait(false)
            ?? await MasterCheck.CalibrateAsync(connection, shard.Clock, context.Time, stopping).ConfigureAwait(false);
    }

    /// <summary>
    /// Ends the previous connection on the server's side as well: what it had sent could otherwise still be executed,
    /// after newer commands. Only where the same process answers, for another one gives the same ids to other clients.
    /// </summary>
    private async ValueTask EndPreviousAsync(IServerConnection connection, CancellationToken stopping)
    {
        var server = await MasterCheck.IdentifyAsync(connection, stopping).ConfigureAwait(false);
        if (_previous is { } previous && server is not null && _previousServer is { } known && previous.Address == connection.Address)
        {
            if (server.RunId == known.RunId)
            {
                await connection.ExecuteAsync(
                    new[] { "CLIENT", "KILL", "ID", previous.ClientId.ToString(CultureInfo.InvariantCulture) }, stopping).ConfigureAwait(false);
            }
            else
            {
                context.Logger.ServerRestarted(shard.Name, connection.Address);
            }
        }

        _previous = connection;
        _previousServer = server;
    }

    /// <summary>Returns why the connection may not serve any longer.</summary>
    private async Task<string> WatchAsync(IServerConnection connection, CancellationToken stopping)
    {
        while (true)
        {
            var master = context.Masters.Current(shard.Name);
            if (master.Master is { } address && address != connection.Address)
            {
                return $"{address} is the master now";
            }

            var lastVerified = context.Time.GetTimestamp();
            using var pause = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            var changed = context.Masters.WaitForChangeAsync(shard.Name, master.Version, pause.Token);
            await Task.WhenAny(connection.Closed, changed, Task.Delay(PollInterval, context.Time, pause.Token)).ConfigureAwait(false);
            await pause.CancelAsync().ConfigureAwait(false);
            stopping.ThrowIfCancellationRequested();
            if (connection.Closed.IsCompleted)
            {
                return (await connection.Closed.ConfigureAwait(false)).Message;
            }

            if (context.Time.GetElapsedTime(lastVerified) > master.DownAfter + PollInterval)
            {
                // This process was itself stopped: the Sentinels may have chosen another master meanwhile.
                context.Masters.RequestRefresh(shard.Name);
            }

            if (!changed.IsCompletedSuccessfully && await VerifyAsync(connection, stopping).ConfigureAwait(false) is { } refusal)
            {
                if (refusal.IsConfigurationError)
                {
                    shard.Report(ShardEvent.Refused, connection.Address, refusal.Reason);
                }

                return refusal.Reason;
            }
        }
    }

    private void ReportNoMaster(MasterSnapshot master)
    {
        switch (master.Fault?.Kind)
        {
            case MasterFaultKind.NotAskedYet:
                break;
            case MasterFaultKind.Refused or MasterFaultKind.NameUnknown:
                shard.Report(ShardEvent.Refused, null, master.Fault.Message);
                break;
            default:
                shard.Report(ShardEvent.AttemptFailed, null, master.Fault?.Message ?? "the Sentinels name no master");
                break;
        }
    }

    private async Task WaitForChangeAsync(MasterSnapshot seen, TimeSpan delay, CancellationToken stopping)
    {
        using var pause = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var changed = context.Masters.WaitForChangeAsync(shard.Name, seen.Version, pause.Token);
        await Task.WhenAny(changed, Task.Delay(delay, context.Time, pause.Token)).ConfigureAwait(false);
        await pause.CancelAsync().ConfigureAwait(false);
        stopping.ThrowIfCancellationRequested();
    }
}
