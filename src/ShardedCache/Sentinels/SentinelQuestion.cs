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
        var pendingEpochs = SendForEach("MASTER");
        var pendingAddresses = SendForEach("GET-MASTER-ADDR-BY-NAME");
        var pendingTopology = withTopology || previous is null ? ReadTopologyAsync(shards, SendForEach("REPLICAS"), SendForEach("SENTINELS")) : null;

        var epochs = await Task.WhenAll(pendingEpochs).ConfigureAwait(false);
        var addresses = await Task.WhenAll(pendingAddresses).ConfigureAwait(false);
        var masters = new Dictionary<string, MasterAnswer>(StringComparer.Ordinal);
        for (var i = 0; i < shards.Count; i++)
        {
            if (SentinelReplies.Master(epochs[i], addresses[i]) is { } answer)
            {
                masters.Add(shards[i], answer);
            }
        }

        var report = new SentinelReport(connection.Address)
        {
            Id = id is null ? previous!.Id : await id.ConfigureAwait(false) is { Kind: ControlReplyKind.Text } own ? own.Text : null,
            IsInTilt = SentinelReplies.IsInTilt(await info.ConfigureAwait(false)),
            Fault = epochs.Select(Fault).Concat(addresses.Select(AddressFault)).FirstOrDefault(static fault => fault is not null),
            Masters = masters,
            Topology = pendingTopology is null ? previous!.Topology : await pendingTopology.ConfigureAwait(false),
        };
        return report is { Fault: null } && report.Masters.Count < shards.Count
            ? report with { Monitored = SentinelReplies.Names(await Send(Masters).ConfigureAwait(false)) }
            : report;

        Task<ControlReply> Send(params string[] command) => connection.ExecuteAsync(command, cancellationToken).AsTask();

        Task<ControlReply>[] SendForEach(string question) => [.. shards.Select(shard => Send("SENTINEL", question, shard))];
    }

    private static async Task<SentinelTopology> ReadTopologyAsync(
        IReadOnlyList<string> shards, Task<ControlReply>[] pendingReplicas, Task<ControlReply>[] pendingSentinels)
    {
        var replies = await Task.WhenAll(pendingReplicas).ConfigureAwait(false);
        var sentinels = await Task.WhenAll(pendingSentinels).ConfigureAwait(false);
        var replicas = new Dictionary<string, IReadOnlyList<NamedReplica>>(StringComparer.Ordinal);
        for (var i = 0; i < shards.Count; i++)
        {
            replicas.Add(shards[i], SentinelReplies.Replicas(replies[i]));
        }

        return new SentinelTopology(replicas, [.. sentinels.SelectMany(SentinelReplies.Sentinels).Distinct()]);
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
