using ShardedCache.Connections;

namespace ShardedCache.Sentinels;

/// <summary>Which Sentinels are to be asked: those of the configuration for ever, and those that they name while they are of use.</summary>
internal static class SentinelRoster
{
    /// <summary>More than any farm has, so that a mad Sentinel cannot make us connect without end.</summary>
    public const int MaxSentinels = 32;

    /// <param name="configured">Never forgotten.</param>
    /// <param name="current">Configured and learned, those who are asked now.</param>
    /// <param name="reports">The last of each that has reported.</param>
    public static IReadOnlyList<ServerAddress> Next(
        IReadOnlyList<ServerAddress> configured,
        IReadOnlyList<ServerAddress> current,
        IReadOnlyDictionary<ServerAddress, SentinelReport> reports)
    {
        var answering = current.Where(IsAnswering).ToArray();
        if (answering.Length == 0)
        {
            return current;
        }

        var named = answering.SelectMany(address => reports[address].Topology.Sentinels).ToArray();
        List<ServerAddress> next = [.. configured];
        var ids = configured.Where(IsAnswering).Select(IdOf).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var learned in current.Except(configured))
        {
            // Dead ones are kept while they are named: they may be restarted. The same Sentinel under another name is not kept.
            if (IsAnswering(learned) ? IdOf(learned) is not { } id || ids.Add(id) : named.Any(sentinel => sentinel.Address == learned))
            {
                next.Add(learned);
            }
        }

        foreach (var sentinel in named.Where(static sentinel => !sentinel.IsDown))
        {
            if (next.Count < MaxSentinels && !next.Contains(sentinel.Address) && (sentinel.Id is not { } id || ids.Add(id)))
            {
                next.Add(sentinel.Address);
            }
        }

        return next;

        bool IsAnswering(ServerAddress address) => reports.TryGetValue(address, out var report) && report.Fault is null;

        string? IdOf(ServerAddress address) => reports[address].Id;
    }
}
