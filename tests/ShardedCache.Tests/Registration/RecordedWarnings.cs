using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ShardedCache.Tests.Registration;

/// <summary>Keeps the event ids of warnings and worse.</summary>
internal sealed class RecordedWarnings : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<int> _ids = new();

    public IReadOnlyCollection<int> Ids => _ids;

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            _ids.Enqueue(eventId.Id);
        }
    }

    public void Dispose()
    {
    }
}
