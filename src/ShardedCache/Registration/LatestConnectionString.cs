using Microsoft.Extensions.Options;

namespace ShardedCache.Registration;

/// <summary>
/// The connection string as the configuration has it now. While what it has now is not valid, the last valid one stays.
/// </summary>
internal sealed class LatestConnectionString(IOptionsMonitor<ShardedRedisCacheOptions> monitor, string name, ShardedRedisCacheOptions first)
{
    private volatile Parsed _latest = new(first.Configuration, ConnectionString.Parse(first.Configuration));

    public ConnectionString Read()
    {
        var latest = _latest;
        try
        {
            var text = monitor.Get(name).Configuration;
            if (text != latest.Text && !string.IsNullOrWhiteSpace(text))
            {
                latest = _latest = new Parsed(text, ConnectionString.Parse(text));
            }
        }
        catch (OptionsValidationException)
        {
            // Reported where options are validated; a connection that must be opened now uses what is known to be good.
        }

        return latest.Connection;
    }

    private sealed record Parsed(string? Text, ConnectionString Connection);
}
