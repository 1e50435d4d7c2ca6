using Microsoft.Extensions.Options;

namespace ShardedCache.Registration;

/// <summary>
/// The connection string as it is configured, or was a second ago at most, so that new credentials reach the next connection.
/// While what is configured is not valid, the last valid one stays.
/// </summary>
/// <remarks>
/// Asks the factory rather than following change tokens: the framework validates changed options inside the reload, where
/// a slip in an edited file would throw on the file watcher's thread and end the process.
/// </remarks>
internal sealed class LatestConnectionString(IOptionsFactory<ShardedRedisCacheOptions> factory, string name, ShardedRedisCacheOptions first, TimeProvider time)
{
    /// <summary>In an outage many connections are tried, and asking does all that the application's own delegates do.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // Who comes while another one asks waits for what that gets, for as long as that may be old: else it would try credentials that may have been changed long ago.
    private readonly Lock _asking = new();
    private long? _askedAt;
    private volatile Parsed _latest = new(first.Configuration, ConnectionString.Parse(first.Configuration));

    public ConnectionString Read()
    {
        // A delegate that does not return must not keep the connections of all shards from being opened.
        if (!_asking.TryEnter(Pause))
        {
            return _latest.Connection;
        }

        try
        {
            if (_askedAt is not { } askedAt || time.GetElapsedTime(askedAt) >= Pause)
            {
                // Before, for a delegate that comes here itself, and after, for those that have waited.
                _askedAt = time.GetTimestamp();
                Ask();
                _askedAt = time.GetTimestamp();
            }

            return _latest.Connection;
        }
        finally
        {
            _asking.Exit();
        }
    }

    private void Ask()
    {
        try
        {
            var text = factory.Create(name).Configuration;
            if (text != _latest.Text && !string.IsNullOrWhiteSpace(text))
            {
                _latest = new Parsed(text, ConnectionString.Parse(text));
            }
        }
        catch (Exception)
        {
            // Faults, and whatever the application's own delegates throw: a connection that must be opened now goes on
            // with what has worked.
        }
    }

    private sealed record Parsed(string? Text, ConnectionString Connection);
}
