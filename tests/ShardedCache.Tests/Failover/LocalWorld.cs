using System.Diagnostics.Metrics;
using System.IO.Hashing;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;
using ShardedCache.Failover;
using ShardedCache.Tests.Shards;

namespace ShardedCache.Tests.Failover;

/// <summary>A local store with two connections that its entries may have been sent on, and the clock.</summary>
internal sealed class LocalWorld : IDisposable
{
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly TimeSpan TombstoneLife = TimeSpan.FromMinutes(2);

    private long _round;

    public LocalWorld(long standbyBytes = 1 << 20, int maxStandbyPayload = 1000, long journalBytes = 1 << 20, IMeterFactory? meters = null, FakeTimeProvider? time = null)
    {
        Time = time ?? new FakeTimeProvider(Start);
        Metrics = new ShardedCacheMetrics(meters);
        Clock = new StampClock(Time, processBits: 1);
        Budget = new JournalBudget(journalBytes);
        Limits = new LocalStoreLimits(standbyBytes, maxStandbyPayload, TombstoneLife);
        Store = new LocalStore("shard-0", Limits, Budget, Clock, Metrics);
        Server = new FakeServer(new("10.1.0.1", 6379), Time);
        (First, Second) = (Server.Connect(), Server.Connect());
    }

    /// <summary>As in the product; tests that keep entries turn it off.</summary>
    public bool ReusesEntries { get; init; }

    /// <summary>As in the product for plain writes; else each write takes another object, as those of pages and sessions do.</summary>
    public bool RenewsEntries { get; init; } = true;

    public FakeTimeProvider Time { get; }

    public FakeServer Server { get; }

    public ShardedCacheMetrics Metrics { get; }

    public StampClock Clock { get; }

    public JournalBudget Budget { get; }

    public LocalStoreLimits Limits { get; }

    public LocalStore Store { get; }

    public IServerConnection First { get; }

    public IServerConnection Second { get; }

    public long Now => Clock.NowMilliseconds;

    /// <summary>A key; keys of one hash tag are in one stripe.</summary>
    public static StoredKey Key(string name) =>
        new([], name, XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(name.Contains('}', StringComparison.Ordinal) ? name[..name.IndexOf('}', StringComparison.Ordinal)] : name)));

    public static EntryExpiration Sliding(TimeSpan window) => new(0, (long)window.TotalMilliseconds, window);

    public EntryExpiration Absolute(TimeSpan life) => new(Now + (long)life.TotalMilliseconds, 0, life);

    public LocalEntry Set(string key, byte[] value, IServerConnection? sentOn, EntryExpiration expiration = default)
    {
        return Write(Key(key), LocalKind.Value, EntryHeader.Value(Clock.Next(), expiration), PayloadCopy.Of(value), sentOn);
    }

    public LocalEntry Remove(string key, IServerConnection? sentOn) =>
        Write(Key(key), LocalKind.Tombstone, EntryHeader.Tombstone(Clock.Next()), null, sentOn);

    /// <summary>What the server says to a read, and what was known before it was sent.</summary>
    public void Observe(string key, EntryHeader header, byte[]? value, IServerConnection connection, LocalEntry? known = null) =>
        Store.Observe(Key(key), EntryRef.To(known), header, value is null ? null : PayloadCopy.Of(value), connection, Store.Clock.NowMilliseconds);

    /// <summary>A value that every server has.</summary>
    public LocalEntry Replicated(string key, byte[] value, EntryExpiration expiration = default)
    {
        var entry = Set(key, value, First, expiration);
        Store.Answered(entry, First, isAcknowledged: true);
        Prove();
        return entry;
    }

    /// <summary>All that was acknowledged is on every replica.</summary>
    public void Prove()
    {
        Store.Close(++_round);
        Store.Retire(_round);
    }

    public void Touch(LocalEntry entry, IServerConnection? sentOn)
    {
        var stripe = Store.StripeOf(entry.Key);
        lock (stripe.Lock)
        {
            Store.Touch(stripe, entry, sentOn);
        }

        Store.Added();
    }

    public LocalEntry? Find(string key) => Store.Find(Key(key));

    public void Forget(string key)
    {
        if (Find(key) is { } entry)
        {
            Store.Forget(EntryRef.To(entry));
        }
    }

    public byte[]? Value(string key) => Find(key)?.Payload?.Span.ToArray();

    public void Dispose() => Metrics.Dispose();

    private LocalEntry Write(StoredKey key, LocalKind kind, EntryHeader header, PayloadCopy? payload, IServerConnection? sentOn)
    {
        var stripe = Store.StripeOf(key);
        LocalEntry entry;
        lock (stripe.Lock)
        {
            if (ReusesEntries && RenewsEntries)
            {
                entry = Store.Write(stripe, stripe.Seek(LocalTable.HashOf(key.Name)), key, header, payload is { } copy ? PayloadSource.Of(new(copy.Span.ToArray())) : default, sentOn);
            }
            else
            {
                entry = stripe.Create(key, kind, header, payload);
                entry.IsShared = !ReusesEntries;
                Store.Write(stripe, entry, sentOn);
            }
        }

        Store.Added();
        return entry;
    }
}

/// <summary>For tests that keep entries which are not used again.</summary>
internal static class KeptEntries
{
    public static void Answered(this LocalStore store, LocalEntry entry, IServerConnection sentOn, bool isAcknowledged) =>
        store.Answered(EntryRef.To(entry), sentOn, isAcknowledged);

    public static void Evicted(this LocalStore store, LocalEntry entry, bool isAcknowledged) => store.Evicted(EntryRef.To(entry), isAcknowledged);

    public static void Superseded(this LocalStore store, LocalEntry entry, IServerConnection connection) => store.Superseded(EntryRef.To(entry), connection);

    public static void Forget(this LocalStore store, LocalEntry entry) => store.Forget(EntryRef.To(entry));

    public static void ObserveMissing(this LocalStore store, LocalEntry entry, IServerConnection connection) =>
        store.ObserveMissing(EntryRef.To(entry), connection);
}
