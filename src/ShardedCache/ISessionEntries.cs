using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache;

/// <summary>A cache that keeps sessions.</summary>
internal interface ISessionCache
{
    ISessionEntries Sessions { get; }
}

/// <summary>What a cache does with sessions: entries under a reserved prefix, whose changes are merged.</summary>
internal interface ISessionEntries
{
    /// <summary>Of the stored keys of sessions. Callers of the cache may not use such a name.</summary>
    const string KeyPrefix = "__shardedcache:session:";

    /// <summary>Reads a session and prolongs its life. One round trip.</summary>
    /// <exception cref="ShardUnavailableException">The shard is configured wrongly or, with <see cref="FailoverMode.Throw"/>, did not answer.</exception>
    ValueTask<SessionLoad> LoadSessionAsync(string sessionKey, CallMode mode, CancellationToken token);

    /// <summary>A session whose key was made a moment ago: nobody has anything under it, and nobody is asked. Whether it can be kept is known.</summary>
    /// <exception cref="ShardUnavailableException">As <see cref="LoadSessionAsync"/>.</exception>
    SessionLoad BeginSession(string sessionKey);

    /// <summary>Merges what a request has changed.</summary>
    /// <param name="sessionKey">The key that the session's cookie holds.</param>
    /// <param name="known">What the request knew of the session; null where it could not be read.</param>
    /// <param name="changes">At least one.</param>
    /// <param name="idleTimeout">The sliding window; more than zero.</param>
    /// <param name="token">Abandons the wait; the changes may still be made.</param>
    /// <exception cref="ArgumentException">The session would be larger than the cache stores.</exception>
    /// <exception cref="ShardUnavailableException">As <see cref="LoadSessionAsync"/>.</exception>
    ValueTask CommitSessionAsync(string sessionKey, SessionState? known, SessionChanges changes, TimeSpan idleTimeout, CancellationToken token);

    /// <summary>Prolongs the life of a session that was not read. Waits for nothing.</summary>
    void KeepSessionAlive(string sessionKey);
}
