using System.Globalization;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Shards;

/// <summary>What the script over a session does on a fake server.</summary>
internal static class FakeSessions
{
    public static long Merge(FakeServer server, string key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments, long nowMicroseconds)
    {
        Assert.True(TryRead(arguments[0].Span, out var header, out var incoming));
        var stored = server.Store.GetValueOrDefault(key);
        var exists = TryRead(stored, out var there, out var state);
        if (!exists && arguments[3].Span.SequenceEqual("existing"u8))
        {
            return 0;
        }

        var isEntry = EntryHeader.TryRead(stored, out var before, out _);
        var isKnown = arguments[3].Span.SequenceEqual("known"u8);
        if (isKnown && !exists && !(isEntry && before.IsTombstone))
        {
            return 0;
        }

        var (sent, raised) = (header.Stamp, 0L);
        if ((isKnown || arguments[3].Span.SequenceEqual("live"u8)) && isEntry && (exists || before.IsTombstone))
        {
            header = header with { Stamp = sent.After(before.Stamp) };
            incoming = incoming.Raise(sent, header.Stamp);
            raised = header.Stamp.UnixMicroseconds - sent.UnixMicroseconds;
        }

        var horizon = SessionState.Horizon(nowMicroseconds, long.Parse(arguments[2].Span, CultureInfo.InvariantCulture));
        var merged = exists ? SessionState.Merge(state, incoming, horizon)
            : isEntry && before.IsTombstone
                ? SessionState.Merge(null, SessionState.Merge(new SessionState { Cleared = before.Stamp }, incoming), horizon)
                : SessionState.Merge(null, incoming, horizon);
        header = exists && there.Stamp > header.Stamp ? there : header;
        var life = long.Parse(arguments[1].Span, CultureInfo.InvariantCulture);
        server.Put(key, Bytes(header, merged), exists && server.Lives.GetValueOrDefault(key) > life ? server.Lives[key] : life);
        return 1 + raised;
    }

    public static byte[] Bytes(EntryHeader header, SessionState state)
    {
        var bytes = new byte[EntryHeader.MaxLength];
        return [.. bytes.AsSpan(0, header.Write(bytes)), .. state.ToBytes()];
    }

    public static bool TryRead(ReadOnlySpan<byte> stored, out EntryHeader header, out SessionState state)
    {
        state = SessionState.Empty;
        return EntryHeader.TryRead(stored, out header, out var length) && header.Flags == EntryFlags.Sliding && SessionState.TryRead(stored[length..], out state);
    }
}
