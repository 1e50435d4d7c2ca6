using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ShardedCache.Diagnostics;

/// <summary>
/// The application's logger as the cache uses it. A logger throws where one of its providers does, one that was disposed before the cache,
/// say: a failover must be followed all the same, and no operation fails because a line could not be written.
/// </summary>
internal sealed class NonThrowingLogger(ILogger inner) : ILogger
{
    /// <param name="loggers">Null where the application logs nothing.</param>
    public static NonThrowingLogger For<T>(ILoggerFactory? loggers) => new((loggers ?? NullLoggerFactory.Instance).CreateLogger<T>());

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return inner.IsEnabled(logLevel);
        }
#pragma warning disable CA1031 // Whatever it is, there is nowhere to say it.
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
#pragma warning disable CA1031 // As above.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
