using System.Text;
using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>What tests of one session over a failing shard share.</summary>
public abstract class SessionOutage : Outage
{
    private protected const string Session = "session";
    private protected const string Stored = ISessionEntries.KeyPrefix + Session;

    private protected ISessionEntries Sessions => ((ISessionCache)Cache).Sessions;

    private protected async Task<SessionLoad> LoadAsync() => await Sessions.LoadSessionAsync(Session, CallMode.Asynchronous, Token);

    /// <summary>Commits what a request has changed that had loaded this, and loads again.</summary>
    private protected async Task<SessionLoad> CommitAsync(SessionLoad known, params (string Key, string? Value)[] changes)
    {
        await SendAsync(known, changes);
        return await LoadAsync();
    }

    private protected async Task SendAsync(SessionLoad known, params (string Key, string? Value)[] changes)
    {
        var items = changes.ToDictionary(static change => change.Key, static change => change.Value is null ? null : Encoding.UTF8.GetBytes(change.Value));
        await Sessions.CommitSessionAsync(
            Session, known.IsAvailable ? known.State : null, new SessionChanges(false, items, 1), TimeSpan.FromMinutes(20), Token);
    }

    /// <summary>Another instance changes the session on the server.</summary>
    private protected void Foreign(FakeServer server, double seconds, params (string Key, string Value)[] items)
    {
        var stamp = Stamp.From((World.Time.GetUtcNow().AddSeconds(seconds) - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, 77);
        var state = new SessionState { Items = items.ToDictionary(static item => item.Key, item => new SessionItem(stamp, Encoding.UTF8.GetBytes(item.Value))) };
        var header = EntryHeader.Value(stamp, new EntryExpiration(0, (long)TimeSpan.FromMinutes(20).TotalMilliseconds, default));
        server.Run("session-merge", Stored, [FakeSessions.Bytes(header, state), "1275000"u8.ToArray(), "1200000"u8.ToArray(), "replay"u8.ToArray()]);
    }

    private protected static string? On(FakeServer server) => FakeSessions.TryRead(server.Store.GetValueOrDefault(Stored), out _, out var state) ? Show(state) : null;

    private protected static string? Show(SessionLoad load) => load.State is null ? null : Show(load.State);

    private static string? Show(SessionState state)
    {
        var values = state.Items.Where(static item => item.Value.Value is not null).OrderBy(static item => item.Key, StringComparer.Ordinal)
            .Select(static item => $"{item.Key}={Encoding.UTF8.GetString(item.Value.Value!)}").ToList();
        return values.Count == 0 ? null : string.Join(' ', values);
    }
}
