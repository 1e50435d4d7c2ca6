using System.Globalization;
using ShardedCache.Connections;

namespace ShardedCache.Sentinels;

/// <summary>Reads the Sentinels' replies. What has another form than expected is left out, never an exception.</summary>
internal static class SentinelReplies
{
    /// <summary>Null where the Sentinel does not monitor the name.</summary>
    public static MasterAnswer? Master(ControlReply master, ControlReply address)
    {
        if (address.Kind != ControlReplyKind.Array || address.Items.Count != 2 || Address(address.Items[0].Text, address.Items[1].Text) is not { } named)
        {
            return null;
        }

        var fields = Fields(master);
        if (fields.Count == 0)
        {
            return null;
        }

        // While a failover ends, the flags are still the old master's.
        var isDown = IsDown(fields) && Address(Text(fields, "ip"), Text(fields, "port")) == named;
        return new MasterAnswer(named, Number(fields, "config-epoch"), isDown, TimeSpan.FromMilliseconds(Number(fields, "down-after-milliseconds")));
    }

    public static IReadOnlyList<NamedReplica> Replicas(ControlReply replicas) =>
    [
        .. from fields in replicas.Items.Select(Fields)
           let address = Address(Text(fields, "ip"), Text(fields, "port"))
           where address is not null
           select new NamedReplica(address, !IsDown(fields) && !HasFlag(fields, "disconnected")),
    ];

    public static IEnumerable<NamedSentinel> Sentinels(ControlReply sentinels) =>
        from fields in sentinels.Items.Select(Fields)
        let address = Address(Text(fields, "ip"), Text(fields, "port"))
        where address is not null
        select new NamedSentinel(address, Text(fields, "runid") is { Length: > 0 } id ? id : null, IsDown(fields));

    public static IReadOnlyList<string> Names(ControlReply masters) =>
        [.. masters.Items.Select(static item => Text(Fields(item), "name")).Order(StringComparer.Ordinal)];

    /// <summary>From <c>INFO sentinel</c>.</summary>
    public static bool IsInTilt(ControlReply info) => info.Text.AsSpan().Contains("sentinel_tilt:1", StringComparison.Ordinal);

    private static ServerAddress? Address(string host, string port) =>
        host.Length > 0 && int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 65535
            ? new ServerAddress(host, number)
            : null;

    private static bool IsDown(Dictionary<string, string> fields) => HasFlag(fields, "s_down") || HasFlag(fields, "o_down");

    private static bool HasFlag(Dictionary<string, string> fields, string flag) => Text(fields, "flags").Split(',').Contains(flag);

    private static string Text(Dictionary<string, string> fields, string name) => fields.GetValueOrDefault(name, string.Empty);

    private static long Number(Dictionary<string, string> fields, string name) =>
        long.TryParse(Text(fields, name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static Dictionary<string, string> Fields(ControlReply reply)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i + 1 < reply.Items.Count; i += 2)
        {
            fields[reply.Items[i].Text] = reply.Items[i + 1].Text;
        }

        return fields;
    }
}
