using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ShardedCache.LoadLab.Workers;

/// <summary>Counts the lines that the product logs at Information and above, by event id, and keeps the first of each.</summary>
internal sealed class LogCounter : ILoggerProvider, ILogger
{
    private readonly ConcurrentDictionary<int, int> _counts = new();
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyDictionary<int, int> Counts => _counts;

    public IEnumerable<string> FirstLines => _lines.Take(300);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (_counts.AddOrUpdate(eventId.Id, 1, static (_, count) => count + 1) <= 60)
        {
            _lines.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} [{eventId.Id}] {formatter(state, exception)}");
        }
    }

    public void Dispose()
    {
    }
}
