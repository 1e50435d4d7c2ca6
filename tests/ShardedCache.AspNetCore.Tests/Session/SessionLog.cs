using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ShardedCache.AspNetCore.Tests.Session;

/// <summary>Everything that an application has logged.</summary>
internal sealed class SessionLog : ILoggerProvider
{
    private readonly ConcurrentQueue<(string Category, int Id, string Message)> _entries = new();

    /// <summary>Of our own categories.</summary>
    public IReadOnlyList<(int Id, string Message)> Ours =>
        [.. _entries.Where(static entry => entry.Category.StartsWith("ShardedCache", StringComparison.Ordinal)).Select(static entry => (entry.Id, entry.Message))];

    public IReadOnlyList<(string Category, int Id, string Message)> All => [.. _entries];

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, _entries);

    public void Dispose()
    {
    }

    private sealed class Logger(string category, ConcurrentQueue<(string, int, string)> entries) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            entries.Enqueue((category, eventId.Id, formatter(state, exception) + exception));
    }
}
