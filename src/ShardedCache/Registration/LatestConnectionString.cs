using Microsoft.Extensions.Options;

namespace ShardedCache.Registration;

/// <summary>
/// The connection string as it is configured at the moment of asking, so that new credentials reach the next connection.
/// While what is configured is not valid, the last valid one stays.
/// </summary>
/// <remarks>
/// Asks the factory rather than following change tokens: the framework validates changed options inside the reload, where
/// a slip in an edited file would throw on the file watcher's thread and end the process.
/// </remarks>
internal sealed class LatestConnectionString(IOptionsFactory<ShardedRedisCacheOptions> factory, string name, ShardedRedisCacheOptions first)
{
    private volatile Parsed _latest = new(first.Configuration, ConnectionString.Parse(first.Configuration));

    public ConnectionString Read()
    {
        var latest = _latest;
        try
        {
            var text = factory.Create(name).Configuration;
            if (text != latest.Text && !string.IsNullOrWhiteSpace(text))
            {
                latest = _latest = new Parsed(text, ConnectionString.Parse(text));
            }
        }
        catch (Exception)
        {
            // Faults, and whatever the application's own delegates throw: a connection that must be opened now goes on
            // with what has worked.
        }

        return latest.Connection;
    }

    private sealed record Parsed(string? Text, ConnectionString Connection);
}
