using System.Globalization;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Failover;
using ShardedCache.Sentinels;

namespace ShardedCache.Shards;

/// <summary>
/// Keeps one shard served: finds its master, verifies it, publishes the connection, watches it, and starts over when the
/// connection ended or another server is master. Runs for the cache's life and never throws.
/// </summary>
internal sealed class ShardSupervisor(Shard shard, ShardContext context) : IAsyncDisposable
{
    private const string InternalError = "an internal error, see the log";

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestRetryDelay = TimeSpan.FromMilliseconds(500);

    private readonly RuleGuard _guard = new(context.Rule);
    private readonly JournalKeeper? _journal = context.FailoverMode == FailoverMode.Throw ? null : new JournalKeeper(
        shard.Name,
        shard.Store,
        new JournalContext(
            (address, cancellationToken) => context.Connector.OpenAsync(
                address, context.Connection with { ClientName = context.Settings.ClientName + ":control" }, cancellationToken),
            address => !context.HasSentinels ? null
                : context.Masters.Current(shard.Name) is var named && named.Master == address ? named.Promotable : int.MaxValue,
            context.Time),
        context.Metrics);

    private readonly CancellationTokenSource _stopping = new();
    private Task _loop = Task.CompletedTask;
    private ServedConnection? _previous;
    private bool _hasTried;

    public void Start()
    {
        var replica = context.ReadsReplicas ? new ReplicaAttendant(shard, context, () => _journal?.LastServed) : null;
        _loop = Task.WhenAll(Task.Run(SuperviseAsync), Task.Run(() => replica?.RunAsync(_stopping.Token) ?? Task.CompletedTask));
    }

    /// <summary>Waits until the master has everything that was written here, or until cancelled.</summary>
    public Task DrainAsync(CancellationToken cancellationToken) => _journal?.DrainAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stopping.Dispose();
        shard.ReleaseFirstCallers();
    }

    private async Task SuperviseAsync()
    {
        var retryDelay = FirstRetryDelay;
        while (!_stopping.IsCancellationRequested)
        {
            var master = context.Masters.Current(shard.Name);
            try
            {
                var began = context.Time.GetTimestamp();
                var served = await TryServeAsync(master).ConfigureAwait(false);

                // A server that lets us in and throws us out again is like one that does not let us in.
                var isHealthy = served && context.Time.GetElapsedTime(began) > PollInterval;
                retryDelay = isHealthy ? FirstRetryDelay : TimeSpan.FromTicks(Math.Min(retryDelay.Ticks * 2, LongestRetryDelay.Ticks));
                context.Masters.RequestRefresh(shard.Name);
                await WaitForChangeAsync(master, retryDelay).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // A shard that is no longer supervised would stay down for ever.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                context.Logger.SupervisorFailed(shard.Name, exception);
                shard.Report(ShardEvent.AttemptFailed, null, InternalError);
                await WaitForChangeAsync(master, LongestRetryDelay).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Makes one attempt. Returns whether the shard was up, after that has ended.</summary>
    private async Task<bool> TryServeAsync(MasterSnapshot master)
    {
        if (master.Master is not { } address)
        {
            ReportNoMaster(master);
            return false;
        }

        // Everything that is asked of this address ends when another is named: a stopped server might never answer.
        using var tenure = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var successor = EndAtSuccessorAsync(address, tenure);
        try
        {
            return await TryServeAsync(address, tenure.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            await tenure.CancelAsync().ConfigureAwait(false);
            await successor.ConfigureAwait(false);
        }
    }

    private async Task EndAtSuccessorAsync(ServerAddress address, CancellationTokenSource tenure)
    {
        try
        {
            var named = context.Masters.Current(shard.Name);
            while (named.Master == address)
            {
                named = await context.Masters.WaitForChangeAsync(shard.Name, named.Version, tenure.Token).ConfigureAwait(false);
            }

            await tenure.CancelAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The attempt ended first.
        }
    }

    private async Task<bool> TryServeAsync(ServerAddress address, CancellationToken tenure)
    {
        var isFirst = !_hasTried;
        _hasTried = true;
        var open = await context.Connector.OpenAsync(address, context.Connection, tenure).ConfigureAwait(false);
        if (!open.IsOpen)
        {
            shard.Report(open.Fault.IsConfigurationError ? ShardEvent.Refused : ShardEvent.AttemptFailed, address, open.Fault.Message);
            return false;
        }

        try
        {
            return await ServeAsync(open.Connection, isFirst, tenure).ConfigureAwait(false);
        }
        finally
        {
            if (!_stopping.IsCancellationRequested)
            {
                shard.Withdraw(open.Connection, tenure.IsCancellationRequested ? "another master was named" : InternalError);
            }

            shard.Retire();
            await open.Connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<bool> ServeAsync(IServerConnection connection, bool isFirst, CancellationToken tenure)
    {
        // An old master that has returned calls itself master, too, and may be empty: after an interruption, or an attempt in vain, the
        // Sentinels' word is to be later than that.
        var word = isFirst ? Task.CompletedTask : context.Masters.AskAnewAsync(tenure);
        var refusal = await VerifyAsync(connection, tenure).ConfigureAwait(false);
        if (refusal is null)
        {
            await word.ConfigureAwait(false);
            shard.Report(ShardEvent.Verified, connection.Address, null);
            refusal = await EndPreviousAsync(connection, tenure).ConfigureAwait(false);
        }

        if (refusal is not null)
        {
            shard.Report(refusal.IsConfigurationError ? ShardEvent.Refused : ShardEvent.AttemptFailed, connection.Address, refusal.Reason);
            return false;
        }

        if (Successor(connection) is not null)
        {
            return false;
        }

        shard.Touches.Clear();
        if (_journal is null)
        {
            shard.Publish(connection);
        }
        else if (await _journal.RecoverAsync(connection, () => shard.Publish(connection), tenure).ConfigureAwait(false) is { } failure)
        {
            shard.Report(ShardEvent.AttemptFailed, connection.Address, failure);
            return false;
        }

        shard.Report(ShardEvent.Ready, connection.Address, null);
        using var serving = CancellationTokenSource.CreateLinkedTokenSource(tenure);
        var watch = WatchAsync(connection, serving.Token);
        var keep = _journal?.KeepAsync(connection, serving.Token) ?? watch;
        try
        {
            var first = await Task.WhenAny(watch, keep).ConfigureAwait(false);
            if (first.IsFaulted)
            {
                shard.Withdraw(connection, InternalError);
            }

            // Where the tenure has ended, the watch tells why.
            shard.Withdraw(connection, await (first.IsCanceled ? watch : first).ConfigureAwait(false));
        }
        finally
        {
            await serving.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(watch, keep)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return true;
    }

    private ServerAddress? Successor(IServerConnection connection) =>
        context.Masters.Current(shard.Name).Master is { } master && master != connection.Address ? master : null;

    private async ValueTask<ShardRefusal?> VerifyAsync(IServerConnection connection, CancellationToken tenure)
    {
        var (role, refusal) = await MasterCheck.AskRoleAsync(connection, shard.Lag, tenure).ConfigureAwait(false);
        if (role is { } known)
        {
            context.Masters.ReportRole(shard.Name, connection.Address, known);
        }

        return refusal
            ?? await _guard.CheckAsync(connection, tenure).ConfigureAwait(false)
            ?? await MasterCheck.CalibrateAsync(connection, shard.Store, context.Time, tenure).ConfigureAwait(false);
    }

    /// <summary>
    /// Ends the connection that served last on the server's side as well: what it had sent could otherwise still be executed,
    /// after newer commands. Only where the same process answers, for another one gives the same ids to other clients.
    /// </summary>
    private async ValueTask<ShardRefusal?> EndPreviousAsync(IServerConnection connection, CancellationToken tenure)
    {
        var (server, refusal) = await MasterCheck.IdentifyAsync(connection, tenure).ConfigureAwait(false);
        if (refusal is not null && (server is not null || _journal is not null || !refusal.IsConfigurationError))
        {
            return refusal;
        }

        if (server is null)
        {
            // Only a journal cannot do without it.
            return null;
        }

        if (_previous is { } previous)
        {
            var isSameServer = previous.Address == connection.Address;
            var isSameProcess = isSameServer && previous.Server.RunId == server.RunId;
            if (isSameServer && !isSameProcess)
            {
                context.Logger.ServerRestarted(shard.Name, connection.Address);
            }
            else if (!server.Continues(previous.Server, isSameProcess))
            {
                context.Logger.DataNotContinued(shard.Name, connection.Address, previous.Address);
            }

            // So that an attempt in vain does not say it again.
            _previous = previous with { Server = server };

            // The connection that an application supplies may still be the same.
            if (isSameProcess && previous.ClientId != connection.ClientId
                && await KillAsync(connection, previous.ClientId, tenure).ConfigureAwait(false) is { } failure)
            {
                return failure;
            }
        }

        _previous = new ServedConnection(connection.Address, connection.ClientId, server);
        return null;
    }

    private async ValueTask<ShardRefusal?> KillAsync(IServerConnection connection, long clientId, CancellationToken tenure)
    {
        var killed = await connection.ExecuteAsync(
            new[] { "CLIENT", "KILL", "ID", clientId.ToString(CultureInfo.InvariantCulture) }, tenure).ConfigureAwait(false);
        if (killed.Error == ServerErrorCode.NoPerm)
        {
            context.Logger.CommandForbidden(shard.Name, connection.Address, killed.Text);
        }

        return killed.Kind is ControlReplyKind.TimedOut or ControlReplyKind.ConnectionLost || MasterCheck.IsTemporary(killed.Error)
            ? ShardRefusal.From("CLIENT KILL", killed)
            : null;
    }

    /// <summary>Returns why the connection may not serve any longer.</summary>
    private async Task<string> WatchAsync(IServerConnection connection, CancellationToken tenure)
    {
        try
        {
            while (true)
            {
                var lastVerified = context.Time.GetTimestamp();
                using (var pause = CancellationTokenSource.CreateLinkedTokenSource(tenure))
                {
                    await Task.WhenAny(connection.Closed, Task.Delay(PollInterval, context.Time, pause.Token)).ConfigureAwait(false);
                    await pause.CancelAsync().ConfigureAwait(false);
                }

                tenure.ThrowIfCancellationRequested();
                if (connection.Closed.IsCompleted)
                {
                    return (await connection.Closed.ConfigureAwait(false)).Message;
                }

                if (context.Time.GetElapsedTime(lastVerified) > context.Masters.Current(shard.Name).DownAfter + (2 * PollInterval))
                {
                    // This process was itself stopped: the Sentinels may have chosen another master meanwhile.
                    context.Masters.RequestRefresh(shard.Name);
                }

                if (await VerifyAsync(connection, tenure).ConfigureAwait(false) is { IsTimeOut: false } refusal)
                {
                    if (refusal.IsConfigurationError)
                    {
                        // In this order: while it serves, what the journal owes goes before its answers.
                        shard.Withdraw(connection, refusal.Reason);
                        shard.Report(ShardEvent.Refused, connection.Address, refusal.Reason);
                    }

                    return refusal.Reason;
                }
            }
        }
        catch (OperationCanceledException) when (Successor(connection) is { } successor)
        {
            return $"{successor} is the master now";
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

    private async Task WaitForChangeAsync(MasterSnapshot seen, TimeSpan delay)
    {
        using var pause = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var changed = context.Masters.WaitForChangeAsync(shard.Name, seen.Version, pause.Token);
        await Task.WhenAny(changed, Task.Delay(delay, context.Time, pause.Token)).ConfigureAwait(false);
        await pause.CancelAsync().ConfigureAwait(false);
        _stopping.Token.ThrowIfCancellationRequested();
    }

    private sealed record ServedConnection(ServerAddress Address, long ClientId, ServerIdentity Server);
}
