using System.Globalization;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Sharding;
using ShardedCache.Shards;

namespace ShardedCache;

/// <summary>Routes a session to its shard, by the rule that every key is routed by.</summary>
internal sealed class SessionRouter(byte[] keyPrefix, ShardingRule rule, ShardSessions[] shards, int maximumPayloadBytes) : ISessionEntries
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly SessionChanges Nothing = new(false, new Dictionary<string, byte[]?>(), 0);

    public ValueTask<SessionLoad> LoadSessionAsync(string sessionKey, CallMode mode, CancellationToken token) =>
        Route(sessionKey, out var stored).LoadAsync(stored, mode, token);

    public SessionLoad BeginSession(string sessionKey) => Route(sessionKey, out _).Begin();

    public ValueTask CommitSessionAsync(string sessionKey, SessionState? known, SessionChanges changes, TimeSpan idleTimeout, CancellationToken token)
    {
        CheckLength(changes, known, maximumPayloadBytes);
        return Route(sessionKey, out var stored).CommitAsync(stored, known, changes, Milliseconds(idleTimeout), token);
    }

    public void KeepSessionAlive(string sessionKey) => Route(sessionKey, out var stored).KeepAlive(stored);

    public static long Milliseconds(TimeSpan idleTimeout) =>
        EntryExpiration.From(new() { SlidingExpiration = idleTimeout }, default, 0).SlidingMilliseconds;

    public static void CheckLength(SessionChanges changes, SessionState? known, int maximum)
    {
        var length = changes.LengthWith(known);

        // Two requests may have made it too large together; whatever makes it smaller is the way out.
        if (length > maximum && length >= Nothing.LengthWith(known))
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"The session would have {length} bytes; at most {maximum} are stored ({nameof(ShardedRedisCacheOptions.MaximumPayloadBytes)})."));
        }
    }

    private ShardSessions Route(string sessionKey, out StoredKey stored)
    {
        var name = ISessionEntries.KeyPrefix + sessionKey;
        var shard = rule.Route([.. keyPrefix, .. Utf8.GetBytes(name)], out var hash);
        stored = new StoredKey(keyPrefix, name, hash);
        return shards[shard];
    }
}
