using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>What tests of a failing shard share: one shard, <see cref="A"/> its master, <see cref="B"/> what is promoted.</summary>
public abstract class Outage : IAsyncDisposable
{
    private protected ShardWorld World { get; } = new();

    private protected FakeServer A => World.A;

    private protected FakeServer B => World.B;

    private protected ShardedRedisCache Cache => World.Cache;

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected static DistributedCacheEntryOptions Sliding(double seconds) => new() { SlidingExpiration = TimeSpan.FromSeconds(seconds) };

    private protected static DistributedCacheEntryOptions For(double seconds) => new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(seconds) };

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return World.DisposeAsync();
    }

    private protected Task StartAsync(FailoverMode mode = FailoverMode.LocalTier, Func<CacheSettings, CacheSettings>? change = null) =>
        World.StartUpAsync(mode: mode, change: change);

    /// <summary>With Sentinels, and <see cref="B"/> as a replica that they could promote.</summary>
    private protected async Task StartWithReplicaAsync(Func<CacheSettings, CacheSettings>? change = null)
    {
        B.Role = "slave";
        A.Replication.Replicas = 1;
        B.Replication.Master = A.Replication;
        World.Masters.Say(ShardWorld.Shard, A.Address, [B.Address]);
        World.Start(mode: FailoverMode.LocalTier, change: settings =>
            (change?.Invoke(settings) ?? settings) with { Sentinels = [new ServerAddress("10.2.0.1", 26379)] });
        await World.UntilAsync(ShardState.Up);
    }

    /// <summary>Its server is gone, and nobody has taken over yet.</summary>
    private protected async Task FailAsync()
    {
        A.IsDown = true;
        A.Break();
        await World.UntilAsync(ShardState.FailingOver);
    }

    private protected Task ReturnAsync()
    {
        A.IsDown = false;
        return World.UntilUpOnAsync(A);
    }

    private protected Task PromoteAsync()
    {
        B.Role = "master";
        B.Replication.Master = null;
        World.Masters.Say(ShardWorld.Shard, B.Address);
        return World.UntilUpOnAsync(B);
    }

    private protected Task ReplicaServesAsync() => World.UntilAsync(() =>
    {
        Cache.Get("probe");
        return B.Sent.Any(static sent => sent.Key == "probe");
    });

    /// <summary>All that was written is delivered, and proven.</summary>
    private protected Task UntilProvenAsync() => World.UntilAsync(() => Cache.JournalBytes == 0);

    private protected Task SetAsync(string key, string value, DistributedCacheEntryOptions? options = null) =>
        Cache.SetAsync(key, Encoding.UTF8.GetBytes(value), options ?? new(), Token);

    private protected async Task<string?> GetAsync(string key) => Text(await Cache.GetAsync(key, Token));

    private protected static string? Text(byte[]? value) => value is null ? null : Encoding.UTF8.GetString(value);

    /// <summary>Stored bytes of a value that another client writes.</summary>
    private protected byte[] Foreign(string value, double seconds = 0, EntryExpiration expiration = default) =>
        Bytes(EntryHeader.Value(StampAt(seconds), expiration), value);

    private protected byte[] ForeignTombstone(double seconds = 0) => Bytes(EntryHeader.Tombstone(StampAt(seconds)), string.Empty);

    /// <summary>What a server has under the key: a value's text, <c>tombstone</c>, or null.</summary>
    private protected static string? On(FakeServer server, string key)
    {
        if (!server.Store.TryGetValue(key, out var stored))
        {
            return null;
        }

        Assert.True(EntryHeader.TryRead(stored, out var header, out var length));
        return header.IsTombstone ? "tombstone" : Encoding.UTF8.GetString(stored.AsSpan(length));
    }

    private protected static EntryHeader HeaderOn(FakeServer server, string key)
    {
        Assert.True(EntryHeader.TryRead(server.Store[key], out var header, out _));
        return header;
    }

    /// <summary>The next command of this name fails; <c>TIMEOUT</c>, <c>LOST</c>, or a Redis error.</summary>
    private protected static void FailNext(FakeServer server, string command, string fault) => server.AnswerEntry = sent =>
    {
        if (sent != command)
        {
            return null;
        }

        server.AnswerEntry = static _ => null;
        return Fault(server, fault);
    };

    private protected static Reply Fault(FakeServer server, string fault)
    {
        switch (fault)
        {
            case "TIMEOUT":
                return Reply.TimedOut;
            case "LOST":
                server.Break();
                return Reply.ConnectionLost;
            default:
                return Reply.FromError(fault);
        }
    }

    private Stamp StampAt(double seconds) =>
        Stamp.From((World.Time.GetUtcNow().AddSeconds(seconds) - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, 77);

    private static byte[] Bytes(EntryHeader header, string value)
    {
        var bytes = new byte[EntryHeader.MaxLength];
        return [.. bytes.AsSpan(0, header.Write(bytes)), .. Encoding.UTF8.GetBytes(value)];
    }
}
