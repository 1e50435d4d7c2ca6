using Microsoft.Extensions.Logging;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;

namespace ShardedCache.Sentinels;

/// <summary>What all watchers of one farm share.</summary>
internal sealed record SentinelWatch(
    IServerConnector Connector, ConnectionSettings Settings, IReadOnlyList<string> Shards, SentinelTimings Timings, TimeProvider Time, ILogger Logger);

/// <summary>Asks one Sentinel again and again, by itself: a slow or dead one delays no other. Replaces a connection that broke.</summary>
/// <param name="address">The Sentinel's.</param>
/// <param name="watch">What it shares with the farm's other watchers.</param>
/// <param name="listener">Is put on each new connection.</param>
/// <param name="isInTrouble">Asked before each pause: a failover may be under way, so the pause is shorter.</param>
/// <param name="onReport">Gets each answer and each failure to get one; must not throw.</param>
internal sealed class SentinelWatcher(
    ServerAddress address, SentinelWatch watch, SentinelListener listener, Func<bool> isInTrouble, Action<SentinelReport> onReport)
{
    private readonly Debounce _debounce = new(watch.Time);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConnectionSettings _settings = watch.Settings with { OperationTimeout = watch.Timings.Patience };
    private IServerConnection? _connection;
    private IServerConnection? _heard;
    private SentinelReport? _last;
    private long _topologyAt;
    private bool _isRefusalLogged;
    private bool _hasFailed;
    private Task _running = Task.CompletedTask;

    public void Start() => _running = Task.Run(RunAsync);

    public void AskNow() => _debounce.Signal();

    public async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                _last = await AskAsync().ConfigureAwait(false);
                onReport(_last);
                if (_connection is { } connection && !ReferenceEquals(connection, _heard))
                {
                    // Not before the first answer: whatever comes of the subscription, there is one. And what is done with it goes first.
                    _heard = connection;
                    _ = ListenAsync(connection);
                }

                await _debounce.WaitAsync(Gap(_last), isInTrouble() ? watch.Timings.PollInTrouble : watch.Timings.Poll, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
        finally
        {
            await CloseAsync().ConfigureAwait(false);
        }
    }

    /// <summary>One that does not answer is not pressed; one that refuses us even less.</summary>
    private TimeSpan Gap(SentinelReport report) => report.Fault switch
    {
        null => watch.Timings.Gap,
        { IsConfigurationError: true } => watch.Timings.Poll,
        _ => watch.Timings.PollInTrouble,
    };

    private async Task<SentinelReport> AskAsync()
    {
        var askedAt = watch.Time.GetTimestamp();
        try
        {
            if (_connection is null or { Closed.IsCompleted: true })
            {
                await CloseAsync().ConfigureAwait(false);
                var opened = await watch.Connector.OpenAsync(address, _settings, _stopping.Token).ConfigureAwait(false);
                if (!opened.IsOpen)
                {
                    return new SentinelReport(address) { Fault = opened.Fault, AskedAt = askedAt };
                }

                _connection = opened.Connection;
                _last = null;
            }

            // A replica that comes back can be promoted.
            var isUnsettled = isInTrouble() || _last?.Topology.Replicas.Values.Any(static replicas => replicas.Any(static replica => !replica.IsReached)) == true;
            var withTopology = _last is null || watch.Time.GetElapsedTime(_topologyAt) >= (isUnsettled ? watch.Timings.Poll : watch.Timings.Topology);
            askedAt = watch.Time.GetTimestamp();
            var report = await SentinelQuestion.AskAsync(_connection, watch.Shards, _last, withTopology, _stopping.Token).ConfigureAwait(false);
            report = report with { AskedAt = askedAt };
            if (report.Fault is not null)
            {
                await CloseAsync().ConfigureAwait(false);
                return report;
            }

            _hasFailed = false;
            _topologyAt = withTopology ? watch.Time.GetTimestamp() : _topologyAt;
            return report;
        }
        catch (Exception exception) when (!_stopping.IsCancellationRequested)
        {
            // A fault of ours in asking one Sentinel must not end the asking.
            if (!_hasFailed)
            {
                watch.Logger.SentinelQuestionFailed(address, exception);
            }

            _hasFailed = true;

            await CloseAsync().ConfigureAwait(false);
            return new SentinelReport(address)
            {
                Fault = new(ConnectionFaultKind.Protocol, $"an internal error ({exception.GetType().Name}), see the log"),
                AskedAt = askedAt,
            };
        }
    }

    private async Task ListenAsync(IServerConnection connection)
    {
        try
        {
            var reply = await listener.ListenAsync(connection, _stopping.Token).ConfigureAwait(false);
            if (reply.Kind == ReplyKind.ServerError && !_isRefusalLogged)
            {
                _isRefusalLogged = true;
                watch.Logger.SentinelRefusesToSubscribe(address, reply.ErrorText);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task CloseAsync()
    {
        if (Interlocked.Exchange(ref _connection, null) is { } connection)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }
}
