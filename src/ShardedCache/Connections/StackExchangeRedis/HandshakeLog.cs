using Microsoft.Extensions.Logging;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>
/// Collects why a connect failed: the client tells the reasons to its logger alone, before there is an object whose events
/// could be heard. What the application's own logger wants is passed on.
/// </summary>
internal sealed class HandshakeLog(ILoggerFactory? next) : ILoggerFactory
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _hasFailure = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<Exception>? _failures = [];

    /// <summary>
    /// Completes with the first failure, which is final, as there is no second socket. The client may call a connect done before
    /// it tells why it failed, or wait on for a reconnect that will not come.
    /// </summary>
    public Task HasFailure => _hasFailure.Task;

    /// <summary>Ends the collection and returns what came.</summary>
    public IReadOnlyList<Exception> Take()
    {
        lock (_gate)
        {
            var failures = _failures ?? [];
            _failures = null;
            return failures;
        }
    }

    public ILogger CreateLogger(string categoryName) => new Collector(this, next?.CreateLogger(categoryName));

    public void AddProvider(ILoggerProvider provider) => next?.AddProvider(provider);

    public void Dispose()
    {
    }

    private void Add(Exception failure)
    {
        lock (_gate)
        {
            _failures?.Add(failure);
        }

        _hasFailure.TrySetResult();
    }

    private sealed class Collector(HandshakeLog owner, ILogger? next) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => next?.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => (logLevel >= LogLevel.Error && owner._failures is not null) || next?.IsEnabled(logLevel) == true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (exception is not null)
            {
                owner.Add(exception);
            }

            if (next?.IsEnabled(logLevel) == true)
            {
                next.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
