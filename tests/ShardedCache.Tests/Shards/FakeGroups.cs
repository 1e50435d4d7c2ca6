using System.Globalization;
using System.Text;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Shards;

/// <summary>What the scripts over a group do on a fake server. A member is what begins with the group's hash tag.</summary>
internal sealed class FakeGroups
{
    private readonly Dictionary<string, Stamp> _removed = [];

    public long Write(FakeServer server, ReadOnlySpan<ReadOnlyMemory<byte>> arguments)
    {
        var (isGuarded, removal, stamp) = Head(arguments);
        if (isGuarded && _removed.GetValueOrDefault(removal) > stamp)
        {
            return -1;
        }

        var written = 1;
        for (var at = 3; at < arguments.Length; at += 5)
        {
            var key = Encoding.UTF8.GetString(arguments[at].Span);
            Assert.True(EntryHeader.TryRead(arguments[at + 1].ToArray(), out var own, out _));
            if (isGuarded && (HasLater(server, key, own.Stamp) || server.HadLater(arguments[at + 3], own.Stamp)))
            {
                written = 0;
            }
            else
            {
                server.PutLastStamp(arguments[at + 3], own.Stamp, arguments[at + 4]);
                server.Put(key, arguments[at + 1].ToArray(), arguments[at + 2].IsEmpty ? null : long.Parse(arguments[at + 2].Span, CultureInfo.InvariantCulture));
            }
        }

        return written;
    }

    public long RemoveAll(FakeServer server, string index, ReadOnlySpan<ReadOnlyMemory<byte>> arguments)
    {
        var (isGuarded, removal, stamp) = Head(arguments);
        var tag = index[index.IndexOf('{', StringComparison.Ordinal)..];
        var count = 0;
        foreach (var key in server.Store.Keys.Where(key => key.StartsWith(tag + ":", StringComparison.Ordinal)))
        {
            if (!(isGuarded && HasLater(server, key, stamp)))
            {
                server.Put(key, arguments[3].ToArray(), null);
                count++;
            }
        }

        _removed[removal] = stamp > _removed.GetValueOrDefault(removal) ? stamp : _removed[removal];
        return count;
    }

    private static (bool IsGuarded, string Removal, Stamp Stamp) Head(ReadOnlySpan<ReadOnlyMemory<byte>> arguments) =>
        (arguments[0].Span is not [(byte)'0'], Encoding.UTF8.GetString(arguments[1].Span), Stamp.Read(arguments[2].Span));

    private static bool HasLater(FakeServer server, string key, Stamp stamp) =>
        EntryHeader.TryRead(server.Store.GetValueOrDefault(key), out var header, out _) && header.Stamp > stamp;
}
