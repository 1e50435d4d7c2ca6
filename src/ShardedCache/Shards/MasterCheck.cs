using System.Globalization;
using ShardedCache.Connections;
using ShardedCache.Failover;
using ShardedCache.Sentinels;

namespace ShardedCache.Shards;

/// <summary>Which server this is: the run id changes when the process restarts, the replication id when its data's history does.</summary>
internal sealed record ServerIdentity(string RunId, string ReplicationId, string FormerReplicationId)
{
    /// <summary>Whether it holds the data that <paramref name="earlier"/> held, but for what had not reached it.</summary>
    /// <remarks>
    /// A master begins a new history of the same data, and forgets the former id, when a replica comes to it that none had before, and when none
    /// has come for <c>repl-backlog-ttl</c>. One that has taken another server's data knows that server's id from its promotion.
    /// </remarks>
    public bool Continues(ServerIdentity earlier, bool isSameProcess) => earlier.ReplicationId == ReplicationId
        || earlier.ReplicationId == FormerReplicationId
        || (isSameProcess && FormerReplicationId.AsSpan().Trim('0').IsEmpty);
}

/// <summary>To <c>ROLE</c>: no role where the server did not say it; no refusal where it is a master.</summary>
internal sealed record RoleAnswer(ServerRole? Role, ShardRefusal? Refusal);

/// <summary>To <c>INFO</c>: no identity where the server does not tell it; a refusal where it did not answer, forbids it, or is too old.</summary>
internal sealed record IdentityAnswer(ServerIdentity? Server, ShardRefusal? Refusal);

/// <summary>Asks a server who it is, and sets the shard's clock by it.</summary>
internal static class MasterCheck
{
    // By the first calibration what was written before gets its time: half of the round trip is how much too early it may expire.
    private const int MostMeasurements = 5;

    private const int OldestMajor = 7;

    private static readonly TimeSpan Exact = TimeSpan.FromMilliseconds(2);

    /// <summary>Asks <c>ROLE</c>, and notes the progress of a master's replicas.</summary>
    public static async ValueTask<RoleAnswer> AskRoleAsync(
        IServerConnection connection, ReplicaLag lag, CancellationToken cancellationToken)
    {
        var reply = await connection.ExecuteAsync(new[] { "ROLE" }, cancellationToken).ConfigureAwait(false);
        if (reply.Kind != ControlReplyKind.Array || reply.Items.Count == 0)
        {
            return new(null, ShardRefusal.From("ROLE", reply));
        }

        var role = reply.Items[0].Text;
        if (role != "master")
        {
            return new(ServerRole.Replica, ShardRefusal.Temporary($"{connection.Address} is a {role}, not a master"));
        }

        if (reply.Items is [_, var offset, var replicas])
        {
            lag.Observe(Number(offset), [.. replicas.Items.Where(static replica => replica.Items.Count == 3).Select(static replica => Number(replica.Items[2]))]);
        }

        return new(ServerRole.Master, null);
    }

    public static async ValueTask<IdentityAnswer> IdentifyAsync(IServerConnection connection, CancellationToken cancellationToken)
    {
        var info = await connection.ExecuteAsync(new[] { "INFO", "server", "replication" }, cancellationToken).ConfigureAwait(false);
        return info.Kind switch
        {
            ControlReplyKind.Text => new IdentityAnswer(
                new ServerIdentity(Field(info.Text, "run_id:"), Field(info.Text, "master_replid:"), Field(info.Text, "master_replid2:")),
                TooOld(connection, Field(info.Text, "redis_version:"))),
            ControlReplyKind.ServerError when info.Error != ServerErrorCode.NoPerm && !IsTemporary(info.Error) => new(null, null),
            _ => new(null, ShardRefusal.From("INFO", info)),
        };
    }

    /// <summary>Whether the server will do what it was asked for a while later.</summary>
    public static bool IsTemporary(ServerErrorCode error) => error is ServerErrorCode.Busy or ServerErrorCode.Loading or ServerErrorCode.MasterDown;

    public static async ValueTask<ShardRefusal?> CalibrateAsync(
        IServerConnection connection, LocalStore store, TimeProvider time, CancellationToken cancellationToken)
    {
        (DateTimeOffset ServerTime, long Sent, long Received, TimeSpan RoundTrip) best = (default, 0, 0, TimeSpan.MaxValue);

        // A later calibration only makes the clock better.
        var most = store.Clock.IsCalibrated ? 1 : MostMeasurements;
        for (var i = 0; i < most && best.RoundTrip > Exact; i++)
        {
            var sent = time.GetTimestamp();
            var reply = await connection.ExecuteAsync(new[] { "TIME" }, cancellationToken).ConfigureAwait(false);
            var received = time.GetTimestamp();
            if (reply is not { Kind: ControlReplyKind.Array, Items: [var seconds, var microseconds] })
            {
                // One is enough; a connection that was lost meanwhile says so itself.
                if (i > 0)
                {
                    break;
                }

                return ShardRefusal.From("TIME", reply);
            }

            if (time.GetElapsedTime(sent, received) is var roundTrip && roundTrip < best.RoundTrip)
            {
                best = (DateTimeOffset.FromUnixTimeSeconds(Number(seconds)).AddMicroseconds(Number(microseconds)), sent, received, roundTrip);
            }
        }

        store.Calibrate(best.ServerTime, best.Sent, best.Received);
        return null;
    }

    /// <summary>An older one does not know <c>PEXPIRE … GT</c>, and names the errors in a script otherwise.</summary>
    private static ShardRefusal? TooOld(IServerConnection connection, string version) =>
        Version.TryParse(version, out var known) && known.Major < OldestMajor
            ? ShardRefusal.Configuration($"{connection.Address} is Redis {version}, and the cache needs {OldestMajor}.0 or later")
            : null;

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
