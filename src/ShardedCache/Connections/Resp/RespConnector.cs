using System.Security.Authentication;

namespace ShardedCache.Connections.Resp;

/// <summary>The transport that is our own: RESP3 over one socket per connection.</summary>
internal sealed class RespConnector : IServerConnector
{
    private readonly TimeProvider _time;
    private readonly HostLookup _lookup;
    private readonly DeadlineSweep _sweep;
    private readonly RespPollers _pollers;

    /// <param name="time">The clock of the deadlines.</param>
    /// <param name="lookup">In place of the system's resolver.</param>
    public RespConnector(TimeProvider time, HostLookup? lookup = null)
    {
        (_time, _lookup) = (time, lookup ?? HostLookup.Default);
        _sweep = new DeadlineSweep(time);
        _pollers = new RespPollers(time, _sweep);
    }

    public async ValueTask<OpenResult> OpenAsync(ServerAddress address, ConnectionSettings settings, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        using var deadline = new CancellationTokenSource(settings.ConnectTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        var connection = new RespConnection(address, settings, _sweep, _pollers);
        ConnectionFault? fault = null;
        try
        {
            fault = await OpenAsync(connection, settings, started, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            fault = connection.IsConnected
                ? new ConnectionFault(ConnectionFaultKind.HandshakeTimedOut, $"{address} accepted the connection, but did not finish the handshake in time. {RespHandshake.Hint}")
                : new ConnectionFault(ConnectionFaultKind.Unreachable, $"No connection to {address} in time.");
        }
        catch (OperationCanceledException)
        {
            connection.Close(new ConnectionFault(ConnectionFaultKind.ClosedByUs, "Cancelled while it was opened."));
            throw;
        }

        if (fault is null)
        {
            return new OpenResult(connection, null);
        }

        connection.Close(fault);
        return new OpenResult(null, fault);
    }

    public ValueTask DisposeAsync()
    {
        // In this order: a poller that is made meanwhile still finds the sweep.
        _pollers.End();
        _sweep.Dispose();
        return default;
    }

    private async Task<ConnectionFault?> OpenAsync(RespConnection connection, ConnectionSettings settings, long started, CancellationToken cancellationToken)
    {
        var address = connection.Address;
        var (credentials, missing) = await settings.AskCredentialsAsync(address, cancellationToken).ConfigureAwait(false);
        if (missing is not null)
        {
            return missing;
        }

        try
        {
            var addresses = await _lookup.FindAsync(address.Host, cancellationToken).ConfigureAwait(false);
            var connect = new BlockingConnect(addresses, address.Port, settings.ConnectTimeout - _time.GetElapsedTime(started), _time);
            if (await connection.ConnectAsync(connect, settings.Tls).WaitAsync(cancellationToken).ConfigureAwait(false) is { } failure)
            {
                return Fault(connection, settings, failure);
            }

            var fault = await RespHandshake.RunAsync(connection, settings, credentials, cancellationToken).ConfigureAwait(false);
            if (fault is null)
            {
                connection.EnforceDeadlines();
            }

            return fault;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return Fault(connection, settings, e);
        }
    }

    private static ConnectionFault Fault(RespConnection connection, ConnectionSettings settings, Exception failure) => failure switch
    {
        AuthenticationException => new ConnectionFault(ConnectionFaultKind.Tls, $"The TLS handshake with {connection.Address} failed: {failure.Message}"),
        ObjectDisposedException => new ConnectionFault(ConnectionFaultKind.ClosedByUs, "The cache was disposed."),
        OutOfMemoryException or ThreadStartException => new ConnectionFault(
            ConnectionFaultKind.Unreachable, $"No connection to {connection.Address}: the process has no thread or memory left for it."),
        _ when settings.Tls is not null && !RespLink.IsLoss(failure) => new ConnectionFault(
            ConnectionFaultKind.Tls, $"The connection to {connection.Address} could not be secured ({failure.GetType().Name}): {failure.Message}"),
        _ when connection.IsConnected && RespLink.IsLoss(failure) => new ConnectionFault(
            ConnectionFaultKind.ClosedByPeer, $"{connection.Address} ended the connection during the handshake. {RespHandshake.Hint}"),
        _ when RespLink.IsLoss(failure) => new ConnectionFault(ConnectionFaultKind.Unreachable, $"No connection to {connection.Address}."),
        _ => new ConnectionFault(ConnectionFaultKind.Unreachable, $"No connection to {connection.Address} ({failure.GetType().Name}): {failure.Message}"),
    };
}
