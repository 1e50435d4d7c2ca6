using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>The default transport: one multiplexer of StackExchange.Redis per connection.</summary>
/// <param name="time">The clock of the deadlines.</param>
/// <param name="configure">
/// Called for each connection before our own settings are made: for a profiler, a library name, TLS protocols and the like.
/// </param>
internal sealed class StackExchangeConnector(TimeProvider time, Action<ConfigurationOptions>? configure = null) : IServerConnector
{
    private readonly DeadlineSweep _sweep = new(time);

    public async ValueTask<OpenResult> OpenAsync(ServerAddress address, ConnectionSettings settings, CancellationToken cancellationToken)
    {
        DedicatedThreads.Request();
        using var deadline = new CancellationTokenSource(settings.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        var socket = new ConnectionSocket((int)settings.OperationTimeout.TotalMilliseconds);
        var log = new HandshakeLog(null);
        try
        {
            var credentials = await settings.Credentials(either.Token).AsTask().WaitAsync(either.Token).ConfigureAwait(false);
            var options = ConnectionProfile.Create(address, settings, credentials, socket, configure);
            log = new HandshakeLog(options.LoggerFactory);
            options.LoggerFactory = log;
            var connecting = ConnectionMultiplexer.ConnectAsync(options);
            try
            {
                var client = await connecting.WaitAsync(either.Token).ConfigureAwait(false);
                return await HandshakeAsync(address, settings, client, socket, either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                Abandon(connecting);
                throw;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var fault = socket.IsConnected
                ? new ConnectionFault(ConnectionFaultKind.HandshakeTimedOut, $"{address} accepted the connection, but did not finish the handshake in time.")
                : new ConnectionFault(ConnectionFaultKind.Unreachable, $"No connection to {address} in time.");
            socket.Abort();
            return new OpenResult(null, fault);
        }
        catch (Exception e) when (e is RedisException)
        {
            socket.Abort();
            return new OpenResult(null, ClientFailure.OfConnect(address, [e, .. log.Take()]));
        }
        finally
        {
            log.Take();
            if (cancellationToken.IsCancellationRequested)
            {
                socket.Abort();
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        _sweep.Dispose();
        return default;
    }

    private static void Abandon(Task<ConnectionMultiplexer> connecting) =>
        connecting.ContinueWith(
            static task =>
            {
                if (task.IsCompletedSuccessfully)
                {
                    task.Result.Close(allowCommandsToComplete: false);
                }
                else
                {
                    _ = task.Exception;
                }
            },
            TaskScheduler.Default);

    private static Task ReleaseAsync(IConnectionMultiplexer client)
    {
        client.Close(allowCommandsToComplete: false);
        return Task.CompletedTask;
    }

    private async Task<OpenResult> HandshakeAsync(
        ServerAddress address, ConnectionSettings settings, ConnectionMultiplexer client, ConnectionSocket socket, CancellationToken cancellationToken)
    {
        var connection = new StackExchangeConnection(address, settings, client, client.GetServers()[0], socket, _sweep, ReleaseAsync);
        if (settings.Kind == ServerKind.Sentinel)
        {
            return new OpenResult(connection, null);
        }

        var id = await connection.ExecuteAsync(new[] { "CLIENT", "ID" }, cancellationToken).ConfigureAwait(false);
        if (id.Kind == ControlReplyKind.Integer)
        {
            connection.SetClientId(id.Integer);
            return new OpenResult(connection, null);
        }

        var fault = id.Error is ServerErrorCode.NoAuth or ServerErrorCode.NoPerm
            ? new ConnectionFault(ConnectionFaultKind.Refused, $"{address} does not allow its user CLIENT ID ({id.Text}).")
            : new ConnectionFault(ConnectionFaultKind.HandshakeTimedOut, $"{address} did not answer CLIENT ID ({id.Kind}).");
        connection.Close(fault);
        return new OpenResult(null, fault);
    }
}
