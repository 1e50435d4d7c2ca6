using ShardedCache.Connections;

namespace ShardedCache.Sentinels;

/// <summary>Asks one Sentinel about all shards, in one go over one connection.</summary>
internal static class SentinelQuestion
{
    private static readonly string[] MyId = ["SENTINEL", "MYID"];
    private static readonly string[] Masters = ["SENTINEL", "MASTERS"];
    private static readonly string[] Info = ["INFO", "sentinel"];

    /// <param name="connection">To the Sentinel; stays the caller's.</param>
    /// <param name="shards">The masters' names.</param>
    /// <param name="previous">
    /// What this Sentinel said before over the same connection, or null; its id, and its topology where that is not asked
    /// for again, are carried over.
    /// </param>
    /// <param name="withTopology">Whether replicas and other Sentinels are asked for, too.</param>
    /// <param name="cancellationToken">Abandons the wait.</param>
    public static async Task<SentinelReport> AskAsync(
        IServerConnection connection, IReadOnlyList<string> shards, SentinelReport? previous, bool withTopology, CancellationToken cancellationToken)
    {
        // Everything is sent before the first reply is awaited: a single round trip whatever the number of shards.
        // The epoch is asked for before the address. A switch between the two then shows the new address with the old
        // epoch, which waits for the next answer, and never the old address with the new epoch, which would win.
        var id = previous is null ? Send(MyId) : null;
        var info = Send(Info);
        var masters = shards.Select(shard => (Epoch: Send("SENTINEL", "MASTER", shard), Address: Send("SENTINEL", "GET-MASTER-ADDR-BY-NAME", shard))).ToArray();
        var topology = withTopology || previous is null
            ? shards.Select(shard => (Replicas: Send("SENTINEL", "REPLICAS", shard), Sentinels: Send("SENTINEL", "SENTINELS", shard))).ToArray()
            : null;

        var epochs = await Task.WhenAll(masters.Select(static master => master.Epoch)).ConfigureAwait(false);
        var addresses = await Task.WhenAll(masters.Select(static master => master.Address)).ConfigureAwait(false);
        var report = new SentinelReport(connection.Address)
        {
            Id = id is null ? previous!.Id : await id.ConfigureAwait(false) is { Kind: ControlReplyKind.Text } own ? own.Text : null,
            IsInTilt = SentinelReplies.IsInTilt(await info.ConfigureAwait(false)),
            Fault = epochs.Select(Fault).Concat(addresses.Select(AddressFault)).FirstOrDefault(static fault => fault is not null),
            Masters = shards.Index()
                .Select(shard => (Name: shard.Item, Answer: SentinelReplies.Master(epochs[shard.Index], addresses[shard.Index])))
                .Where(static master => master.Answer is not null)
                .ToDictionary(static master => master.Name, static master => master.Answer!, StringComparer.Ordinal),
            Topology = topology is null ? previous!.Topology : await TopologyAsync(shards, topology).ConfigureAwait(false),
        };
        return report is { Fault: null } && report.Masters.Count < shards.Count
            ? report with { Monitored = SentinelReplies.Names(await Send(Masters).ConfigureAwait(false)) }
            : report;

        Task<ControlReply> Send(params string[] command) => connection.ExecuteAsync(command, cancellationToken).AsTask();
    }

    private static async Task<SentinelTopology> TopologyAsync(
        IReadOnlyList<string> shards, (Task<ControlReply> Replicas, Task<ControlReply> Sentinels)[] replies)
    {
        var replicas = await Task.WhenAll(replies.Select(static reply => reply.Replicas)).ConfigureAwait(false);
        var sentinels = await Task.WhenAll(replies.Select(static reply => reply.Sentinels)).ConfigureAwait(false);
        return new SentinelTopology(
            shards.Index().ToDictionary(static shard => shard.Item, shard => SentinelReplies.Replicas(replicas[shard.Index]), StringComparer.Ordinal),
            [.. sentinels.SelectMany(SentinelReplies.Sentinels).Distinct()]);
    }

    /// <summary>Null where the Sentinel has answered, be it that it does not know the name.</summary>
    private static ConnectionFault? Fault(ControlReply reply) => reply switch
    {
        { Kind: ControlReplyKind.TimedOut } => new(ConnectionFaultKind.Silent, "no answer in time"),
        { Kind: ControlReplyKind.ConnectionLost } => new(ConnectionFaultKind.ClosedByPeer, "the connection ended"),
        { Error: ServerErrorCode.NoAuth or ServerErrorCode.WrongPass or ServerErrorCode.NoPerm } => new(ConnectionFaultKind.Refused, reply.Text),
        _ => null,
    };

    /// <summary>A Sentinel answers this question with an address or with nil; an error comes from something else.</summary>
    private static ConnectionFault? AddressFault(ControlReply reply) => Fault(reply) ?? (reply.Kind == ControlReplyKind.ServerError
        ? new ConnectionFault(ConnectionFaultKind.Protocol, $"it does not answer as a Sentinel: {reply.Text}")
        : null);
}
