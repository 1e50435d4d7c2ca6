using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>The default transport: one multiplexer of StackExchange.Redis per connection.</summary>
/// <param name="time">The clock of the deadlines.</param>
/// <param name="configure">
/// Called for each connection before our own settings are made: for a profiler, a library name, TLS protocols and the like.
/// </param>
/// <param name="lookup">In place of the system's resolver.</param>
internal sealed class StackExchangeConnector(TimeProvider time, Action<ConfigurationOptions>? configure = null, HostLookup? lookup = null) : IServerConnector
{
    private readonly HostLookup _lookup = lookup ?? HostLookup.Default;
    private readonly DeadlineSweep _sweep = new(time);

    public async ValueTask<OpenResult> OpenAsync(ServerAddress address, ConnectionSettings settings, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        using var deadline = new CancellationTokenSource(settings.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);

        // The kernel's own limit is a second line, behind ours.
        var socket = new ConnectionSocket((int)(2 * settings.OperationTimeout).TotalMilliseconds);
        OpenResult? result = null;
        try
        {
            result = await OpenAsync(address, settings, socket, started, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var fault = socket.IsConnected
                ? new ConnectionFault(ConnectionFaultKind.HandshakeTimedOut, $"{address} accepted the connection, but did not finish the handshake in time. {ConnectFailure.HandshakeHint}")
                : new ConnectionFault(ConnectionFaultKind.Unreachable, $"No connection to {address} in time.");
            result = new OpenResult(null, fault);
        }
        catch (ObjectDisposedException)
        {
            result = new OpenResult(null, new ConnectionFault(ConnectionFaultKind.ClosedByUs, "The cache was disposed."));
        }
        finally
        {
            if (result is not { IsOpen: true })
            {
                socket.Abort();
            }
        }

        return result;
    }

    public ValueTask DisposeAsync()
    {
        _sweep.Dispose();
        return default;
    }

    private async Task<OpenResult> OpenAsync(
        ServerAddress address, ConnectionSettings settings, ConnectionSocket socket, long started, CancellationToken cancellationToken)
    {
        var (credentials, missing) = await settings.AskCredentialsAsync(address, cancellationToken).ConfigureAwait(false);
        if (missing is not null)
        {
            return new OpenResult(null, missing);
        }

        var options = new ConfigurationOptions { SetClientLibrary = false };
        try
        {
            configure?.Invoke(options);
        }
#pragma warning disable CA1031 // The application's own code, and its exception's text may hold what must not be told.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new OpenResult(null, new ConnectionFault(ConnectionFaultKind.Refused, $"Configuring StackExchange.Redis for {address} threw {e.GetType().Name}."));
        }

        var beforeConnect = options.BeforeSocketConnect;
        ConnectionProfile.Apply(options, address, settings, credentials, socket);
        SocketStream? stream = null;
        if (DedicatedThreads.Request() && options is { Ssl: false, Tunnel: null })
        {
            try
            {
                var addresses = await _lookup.FindAsync(address.Host, cancellationToken).ConfigureAwait(false);
                var connect = new BlockingConnect(addresses, address.Port, settings.ConnectTimeout - time.GetElapsedTime(started), time);
                stream = await socket.ConnectAsync(connect, newSocket => CallHook(beforeConnect, options.EndPoints[0], newSocket))
                    .WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OperationCanceledException and not ObjectDisposedException)
            {
                var reason = e switch
                {
                    SocketException => string.Empty,
                    HookException => $": {e.Message}",
                    _ => $" ({e.GetType().Name})",
                };
                return new OpenResult(null, new ConnectionFault(ConnectionFaultKind.Unreachable, $"No connection to {address}{reason}."));
            }

            options.Tunnel = new SocketTunnel(stream);
        }

        var log = new HandshakeLog(options.LoggerFactory);
        options.LoggerFactory = log;
        var connecting = ConnectionMultiplexer.ConnectAsync(options);
        try
        {
            await Task.WhenAny(connecting, log.HasFailure).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (connecting.IsCompletedSuccessfully && connecting.Result.GetServers()[0] is { IsConnected: true } server)
            {
                _ = log.Take();
                var connection = new StackExchangeConnection(address, settings, connecting.Result, server, socket, _sweep, ReleaseAsync);
                if (stream is not null)
                {
                    stream.Awaited = () => connection.Awaited;
                }

                return await Handshake.FinishAsync(connection, settings, credentials, cancellationToken).ConfigureAwait(false);
            }

            await log.HasFailure.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Abandon(connecting);
            throw;
        }

        Abandon(connecting);
        return new OpenResult(null, ConnectFailure.ToFault(address, log.Take()));
    }

    private static void CallHook(Action<EndPoint, ConnectionType, Socket>? hook, EndPoint endPoint, Socket socket)
    {
        try
        {
            hook?.Invoke(endPoint, ConnectionType.Interactive, socket);
        }
#pragma warning disable CA1031 // The application's own code, and its exception's text may hold what must not be told.
        catch (Exception e)
#pragma warning restore CA1031
        {
            throw new HookException($"{nameof(ConfigurationOptions.BeforeSocketConnect)} threw {e.GetType().Name}");
        }
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

    private sealed class HookException(string message) : Exception(message);
}
