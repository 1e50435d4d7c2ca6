using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Session;
using Microsoft.Extensions.Logging;
using ShardedCache.AspNetCore.Diagnostics;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache.AspNetCore.Session;

/// <summary>Makes the sessions of requests, over one cache.</summary>
internal sealed class ShardedSessionStore : ISessionStore
{
    private readonly ISessionEntries _entries;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SessionAvailability _availability;

    public ShardedSessionStore(IShardedCache cache, ILoggerFactory? loggers, TimeProvider time)
    {
        _entries = (cache as ISessionCache)?.Sessions ?? throw new InvalidOperationException(
            $"Sessions need the {nameof(IShardedCache)} that AddShardedRedisCache registers, and found a {cache.GetType()}.");
        _time = time;
        _logger = NonThrowingLogger.For<ShardedSessionStore>(loggers);
        _availability = new SessionAvailability(_logger, time);
    }

    public ISession Create(string sessionKey, TimeSpan idleTimeout, TimeSpan ioTimeout, Func<bool> tryEstablishSession, bool isNewSessionKey)
    {
        ArgumentException.ThrowIfNullOrEmpty(sessionKey);
        ArgumentNullException.ThrowIfNull(tryEstablishSession);
        return new MergingSession(this, sessionKey, idleTimeout, ioTimeout, tryEstablishSession, isNewSessionKey);
    }

    /// <summary>For callers that block: it needs no thread of the pool.</summary>
    public SessionLoad Load(string sessionKey, bool isNew)
    {
        try
        {
            var pending = isNew
                ? new(_entries.BeginSession(sessionKey))
                : _entries.LoadSessionAsync(sessionKey, CallMode.Blocking, CancellationToken.None);
            var load = pending.GetAwaiter().GetResult();
            _availability.Report(load);
            return load;
        }
#pragma warning disable CA1031 // ISession has no other way to say it than IsAvailable.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _availability.Failed(exception);
            return default;
        }
    }

    public async Task<SessionLoad> LoadAsync(string sessionKey, bool isNew, TimeSpan ioTimeout, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(ioTimeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            var load = isNew
                ? _entries.BeginSession(sessionKey)
                : await _entries.LoadSessionAsync(sessionKey, CallMode.Asynchronous, linked.Token).ConfigureAwait(false);
            _availability.Report(load);
            return load;
        }
        catch (OperationCanceledException exception) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            _logger.SessionLoadTimedOut();
            throw new OperationCanceledException("Loading the session took longer than SessionOptions.IOTimeout.", exception, deadline.Token);
        }
        catch (ShardUnavailableException exception)
        {
            _availability.Failed(exception);
            throw;
        }
    }

    public async Task CommitAsync(
        string sessionKey, SessionState? known, SessionChanges changes, TimeSpan idleTimeout, TimeSpan ioTimeout, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(ioTimeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await _entries.CommitSessionAsync(sessionKey, known, changes, idleTimeout, linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            _logger.SessionCommitTimedOut();
            throw new OperationCanceledException("Committing the session took longer than SessionOptions.IOTimeout.", exception, deadline.Token);
        }
    }

    public void KeepAlive(string sessionKey) => _entries.KeepSessionAlive(sessionKey);
}
