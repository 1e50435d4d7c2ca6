using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>
/// Serves connections over multiplexers that the application made and keeps: for fixed end points only. A connection ends with
/// the multiplexer's, as always; the multiplexer goes on, is never closed or disposed here, and serves the next connection
/// when it has reconnected. Credentials, TLS and time-outs are the multiplexer's own.
/// </summary>
/// <param name="time">The clock of the deadlines.</param>
/// <param name="supply">Returns the multiplexer of an end point, which must have that end point and no other.</param>
internal sealed class SuppliedMultiplexerConnector(TimeProvider time, Func<ServerAddress, CancellationToken, ValueTask<IConnectionMultiplexer>> supply)
    : IServerConnector
{
    private readonly DeadlineSweep _sweep = new(time);

    public async ValueTask<OpenResult> OpenAsync(ServerAddress address, ConnectionSettings settings, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(settings.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            var client = await supply(address, either.Token).AsTask().WaitAsync(either.Token).ConfigureAwait(false);
            if (client.GetServers() is not [var server])
            {
                return new OpenResult(null, new ConnectionFault(
                    ConnectionFaultKind.Refused, $"The multiplexer supplied for {address} must have one end point; it has {client.GetServers().Length}."));
            }

            return server.IsConnected
                ? await Handshake.FinishAsync(
                    new StackExchangeConnection(address, settings, client, server, socket: null, _sweep, static _ => Task.CompletedTask), settings, Credentials.None, either.Token).ConfigureAwait(false)
                : new OpenResult(null, new ConnectionFault(ConnectionFaultKind.Unreachable, $"The multiplexer supplied for {address} is not connected."));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new OpenResult(null, new ConnectionFault(ConnectionFaultKind.HandshakeTimedOut, $"The multiplexer supplied for {address} did not answer in time."));
        }
#pragma warning disable CA1031 // The application's own code: its exception's text may hold what must not be told.
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return new OpenResult(null, new ConnectionFault(ConnectionFaultKind.Unreachable, $"No multiplexer was supplied for {address}."));
        }
    }

    public ValueTask DisposeAsync()
    {
        _sweep.Dispose();
        return default;
    }
}
