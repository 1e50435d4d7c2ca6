using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ShardedCache.AspNetCore.Tests;

/// <summary>Keeps what was logged, whatever its category.</summary>
internal sealed class RecordedLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(int Id, string Message)> _entries = new();

    public IEnumerable<string> Messages(int eventId) => _entries.Where(entry => entry.Id == eventId).Select(static entry => entry.Message);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _entries.Enqueue((eventId.Id, formatter(state, exception)));

    public void Dispose()
    {
    }
}
