using System.Globalization;
using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Shards;

/// <summary>Which server this is: the run id changes when the process restarts, the replication id when its data's history does.</summary>
internal sealed record ServerIdentity(string RunId, string ReplicationId);

/// <summary>Asks a server who it is, and sets the shard's clock by it.</summary>
internal static class MasterCheck
{
    /// <summary>Asks <c>ROLE</c>; null means that the server is a master.</summary>
    public static async ValueTask<ShardRefusal?> ConfirmRoleAsync(IServerConnection connection, CancellationToken cancellationToken)
    {
        var role = await connection.ExecuteAsync(new[] { "ROLE" }, cancellationToken).ConfigureAwait(false);
        if (role.Kind != ControlReplyKind.Array || role.Items.Count == 0)
        {
            return ShardRefusal.From("ROLE", role);
        }

        return role.Items[0].Text == "master" ? null : ShardRefusal.Temporary($"{connection.Address} is a {role.Items[0].Text}, not a master");
    }

    public static async ValueTask<ServerIdentity?> IdentifyAsync(IServerConnection connection, CancellationToken cancellationToken)
    {
        var info = await connection.ExecuteAsync(new[] { "INFO", "server", "replication" }, cancellationToken).ConfigureAwait(false);
        if (info.Kind != ControlReplyKind.Text)
        {
            return null;
        }

        var text = info.Text;
        return new ServerIdentity(Field(text, "run_id:"), Field(text, "master_replid:"));
    }

    public static async ValueTask<ShardRefusal?> CalibrateAsync(
        IServerConnection connection, StampClock clock, TimeProvider time, CancellationToken cancellationToken)
    {
        var sent = time.GetTimestamp();
        var reply = await connection.ExecuteAsync(new[] { "TIME" }, cancellationToken).ConfigureAwait(false);
        var received = time.GetTimestamp();
        if (reply is not { Kind: ControlReplyKind.Array, Items: [var seconds, var microseconds] })
        {
            return ShardRefusal.From("TIME", reply);
        }

        var serverTime = DateTimeOffset.FromUnixTimeSeconds(Number(seconds)).AddMicroseconds(Number(microseconds));
        clock.Calibrate(serverTime, sent, received);
        return null;
    }

    private static long Number(ControlReply reply) => long.Parse(reply.Text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static string Field(string info, string name)
    {
        foreach (var line in info.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
            {
                return line[name.Length..].Trim().ToString();
            }
        }

        return string.Empty;
    }
}
