using System.Globalization;
using ShardedCache.Connections;

namespace ShardedCache.Failover;

/// <summary>A point in the history of a master's data: writes up to <paramref name="Offset"/> of the history <paramref name="Id"/>.</summary>
internal readonly record struct ReplicationMark(string Id, long Offset);

/// <summary>What a server says of its replication (<c>INFO replication</c>).</summary>
internal sealed record ReplicationState
{
    public bool IsMaster { get; private init; }

    /// <summary>The present history, and how far it has come.</summary>
    public ReplicationMark Mark { get; private init; }

    /// <summary>The history that this server was a replica in, and the offset from which on it went its own way.</summary>
    public ReplicationMark Former { get; private init; }

    /// <summary>Offsets that the replicas which are online have acknowledged.</summary>
    public IReadOnlyList<long> OnlineReplicas { get; private init; } = [];

    /// <summary>Replicas that are connected, but do not yet follow.</summary>
    public int OtherReplicas { get; private init; }

    /// <summary>On a replica: its link to the master is up.</summary>
    public bool IsLinkUp { get; private init; }

    /// <summary>On a replica: it holds no whole copy of its master's data now.</summary>
    public bool IsSyncing { get; private init; }

    /// <summary>On a replica: for how long its link has been down; null where it never was up.</summary>
    public TimeSpan? LinkDownFor { get; private init; }

    public static ReplicationState Parse(string info)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        var online = new List<long>();
        var others = 0;
        foreach (var line in info.AsSpan().EnumerateLines())
        {
            var colon = line.IndexOf(':');
            if (colon < 0)
            {
                continue;
            }

            var (name, value) = (line[..colon].ToString(), line[(colon + 1)..].Trim().ToString());
            fields[name] = value;
            if (name.StartsWith("slave", StringComparison.Ordinal) && char.IsAsciiDigit(name[^1]) && value.StartsWith("ip=", StringComparison.Ordinal))
            {
                if (Part(value, "state=") == "online")
                {
                    online.Add(Number(Part(value, "offset=")) ?? 0);
                }
                else
                {
                    others++;
                }
            }
        }

        return new ReplicationState
        {
            IsMaster = fields.GetValueOrDefault("role") == "master",
            Mark = new(fields.GetValueOrDefault("master_replid", string.Empty), Number(fields.GetValueOrDefault("master_repl_offset")) ?? 0),
            Former = new(fields.GetValueOrDefault("master_replid2", string.Empty), Number(fields.GetValueOrDefault("second_repl_offset")) ?? -1),
            OnlineReplicas = online,
            OtherReplicas = others,
            IsLinkUp = fields.GetValueOrDefault("master_link_status") == "up",
            IsSyncing = fields.GetValueOrDefault("master_sync_in_progress") == "1",
            LinkDownFor = Number(fields.GetValueOrDefault("master_link_down_since_seconds")) is { } seconds and >= 0 ? TimeSpan.FromSeconds(seconds) : null,
        };
    }

    /// <summary>Asks a server; null where it did not answer so.</summary>
    public static async ValueTask<ReplicationState?> AskAsync(IServerConnection connection, CancellationToken cancellationToken)
    {
        var reply = await connection.ExecuteAsync(new[] { "INFO", "replication" }, cancellationToken).ConfigureAwait(false);
        return reply.Kind == ControlReplyKind.Text ? Parse(reply.Text) : null;
    }

    /// <summary>Whether this server has all that its predecessor, or itself, had at the mark.</summary>
    public bool Contains(ReplicationMark mark) =>
        mark.Id is { Length: > 0 }
        && ((mark.Id == Mark.Id && mark.Offset <= Mark.Offset) || (mark.Id == Former.Id && mark.Offset < Former.Offset));

    private static string Part(string value, string name)
    {
        foreach (var part in value.Split(','))
        {
            if (part.StartsWith(name, StringComparison.Ordinal))
            {
                return part[name.Length..];
            }
        }

        return string.Empty;
    }

    private static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
