using Microsoft.Extensions.Options;

namespace ShardedCache.Registration;

/// <summary>
/// The connection string as it is configured, or was a second ago, so that new credentials reach the next connection.
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

    /// <summary>
    /// Who comes while another one asks waits for what that gets: else it would try credentials that may have been changed long ago. No longer,
    /// for a delegate that does not return must not keep the connections of all shards from being opened in their time.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    private readonly Lock _asking = new();
    private long? _askedAt;
    private volatile Parsed _latest = new(first.Configuration, ConnectionString.Parse(first.Configuration));

    public ConnectionString Read()
    {
        // Or a delegate comes here itself.
        if (_asking.IsHeldByCurrentThread || !_asking.TryEnter(Patience))
        {
            return _latest.Connection;
        }

        try
        {
            if (_askedAt is not { } askedAt || time.GetElapsedTime(askedAt) >= Pause)
            {
                Ask();

                // Not before: who has waited is told what that got.
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
