using ShardedCache.Connections;

namespace ShardedCache.Sentinels;

/// <summary>What one Sentinel said when it was asked, or why it said nothing.</summary>
internal sealed record SentinelReport(ServerAddress Sentinel)
{
    /// <summary>Null when the Sentinel has answered.</summary>
    public ConnectionFault? Fault { get; init; }

    /// <summary>When it was asked, by <see cref="TimeProvider.GetTimestamp"/>; where it could not be, when that was tried.</summary>
    public long AskedAt { get; init; }

    /// <summary>The id by which Sentinels know each other wherever they listen; null where it may not be asked for.</summary>
    public string? Id { get; init; }

    /// <summary>
    /// The Sentinel's clock jumped or it was itself stopped, so it acts on nothing for 30 s: what it believes of who is
    /// down is not to be trusted, what it was told of epochs and addresses is.
    /// </summary>
    public bool IsInTilt { get; init; }

    /// <summary>By shard; a shard that the Sentinel does not monitor is not in it.</summary>
    public IReadOnlyDictionary<string, MasterAnswer> Masters { get; init; } = new Dictionary<string, MasterAnswer>();

    /// <summary>All that the Sentinel monitors; asked for only when it does not know one of the shards.</summary>
    public IReadOnlyList<string> Monitored { get; init; } = [];

    /// <summary>Replicas and other Sentinels, which are asked for less often: the last that this Sentinel told.</summary>
    public SentinelTopology Topology { get; init; } = SentinelTopology.Empty;
}

/// <summary>One Sentinel's word on one master.</summary>
/// <param name="Address">From <c>GET-MASTER-ADDR-BY-NAME</c>, which names a promoted replica first.</param>
/// <param name="Epoch">From <c>SENTINEL MASTER</c>.</param>
/// <param name="IsDown">The Sentinel cannot reach the address itself (<c>s_down</c> or <c>o_down</c>).</param>
/// <param name="DownAfter">The silence after which this Sentinel takes the master for down.</param>
internal sealed record MasterAnswer(ServerAddress Address, long Epoch, bool IsDown, TimeSpan DownAfter);

internal sealed record SentinelTopology(
    IReadOnlyDictionary<string, IReadOnlyList<NamedReplica>> Replicas, IReadOnlyList<NamedSentinel> Sentinels)
{
    public static SentinelTopology Empty { get; } = new(new Dictionary<string, IReadOnlyList<NamedReplica>>(), []);
}

/// <summary>A replica, and whether the Sentinel can reach it.</summary>
internal sealed record NamedReplica(ServerAddress Address, bool IsReached);

/// <summary>A Sentinel as another one names it.</summary>
internal sealed record NamedSentinel(ServerAddress Address, string? Id, bool IsDown);
