using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;
using ShardedCache.Shards;

namespace ShardedCache;

/// <summary>Sessions where no Redis is configured, in Development: they merge as they do over a farm. Nothing here waits.</summary>
internal sealed class MemorySessions(MemoryStore store, TimeProvider time, int maximumPayloadBytes) : ISessionEntries
{
    private readonly StampClock _clock = new(time);

    public ValueTask<SessionLoad> LoadSessionAsync(string sessionKey, CallMode mode, CancellationToken token) => token.IsCancellationRequested
        ? ValueTask.FromCanceled<SessionLoad>(token)
        : new(new SessionLoad(Read(store.Get(ISessionEntries.KeyPrefix + sessionKey)), IsAvailable: true, TakesChanges: true, LocalMemoryCache.Shard)
        {
            IsFromMaster = true,
        });

    public SessionLoad BeginSession(string sessionKey) => new(SessionState.Empty, IsAvailable: true, TakesChanges: true, LocalMemoryCache.Shard);

    public ValueTask CommitSessionAsync(string sessionKey, SessionState? known, SessionChanges changes, TimeSpan idleTimeout, CancellationToken token)
    {
        SessionRouter.CheckLength(changes, known, maximumPayloadBytes);
        if (token.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(token);
        }

        var window = SessionRouter.Milliseconds(idleTimeout);
        store.Update(
            ISessionEntries.KeyPrefix + sessionKey,
            stored => SessionState.Merge(
                Read(stored),
                changes.ToState(known, after: default, _clock, out _),
                SessionState.Horizon(_clock.NowMicroseconds, SessionState.KeptMilliseconds(window, EntryHeader.TombstoneLife))).ToBytes(),
            new EntryExpiration(0, window, default));
        return ValueTask.CompletedTask;
    }

    public void KeepSessionAlive(string sessionKey) => store.Get(ISessionEntries.KeyPrefix + sessionKey);

    private static SessionState? Read(byte[]? stored) => SessionState.TryRead(stored, out var state) ? state : null;
}
