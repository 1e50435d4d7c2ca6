using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>
/// Lets the client read and write by threads of its own, two per connection, so that replies still come in when callers that
/// block hold every thread of the pool. The client has this switch for the whole process only; an application that does
/// not want it sets the AppContext switch <see cref="SwitchName"/> to false before the first cache is made.
/// </summary>
internal static class DedicatedThreads
{
    public const string SwitchName = "ShardedCache.StackExchangeRedis.DedicatedThreads";

    private static readonly Lazy<bool> Requested = new(static () =>
    {
        var wanted = !AppContext.TryGetSwitch(SwitchName, out var isOn) || isOn;
        if (wanted)
        {
            ConnectionMultiplexer.SetFeatureFlag("DedicatedThreads", enabled: true);
        }

        return wanted;
    });

    /// <summary>Asks for them once; false where the application does not want them, or has turned them off since.</summary>
    public static bool Request() => Requested.Value && ConnectionMultiplexer.GetFeatureFlag("DedicatedThreads");
}
