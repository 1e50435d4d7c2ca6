using ShardedCache.Connections;

namespace ShardedCache.Sentinels;

/// <summary>What is agreed on one shard's master at one moment.</summary>
/// <param name="Version">Grows with each change of any other member; 0 before the first.</param>
/// <param name="Master">The last agreed address. It stays when a fault comes later: a fault tells that nobody confirms it now.</param>
/// <param name="ConfigEpoch">The Sentinels' configuration epoch of <paramref name="Master"/>; 0 for a fixed end point.</param>
/// <param name="IsSubjectivelyDown">
/// The Sentinels that name <paramref name="Master"/> cannot reach it themselves: they name it because no other was
/// promoted, so the address is an outage and not an answer.
/// </param>
/// <param name="Fault">Null while at least one Sentinel names a master.</param>
/// <param name="DownAfter">The Sentinels' <c>down-after-milliseconds</c>; zero where none has told it.</param>
/// <param name="Replicas">The replicas that the Sentinels know and can reach, in a stable order.</param>
/// <param name="KnownReplicas">How many the Sentinels know, reached or not.</param>
/// <param name="Promotable">
/// How many replicas could be promoted: those that are reached, while a majority of all Sentinels answers; else all that are known, for the
/// others may promote one that these cannot reach.
/// </param>
internal sealed record MasterSnapshot(
    long Version,
    ServerAddress? Master,
    long ConfigEpoch,
    bool IsSubjectivelyDown,
    MasterFault? Fault,
    TimeSpan DownAfter,
    IReadOnlyList<ServerAddress> Replicas,
    int KnownReplicas,
    int Promotable)
{
    public static MasterSnapshot Unknown { get; } = new(0, null, 0, false, MasterFault.NotAskedYet, TimeSpan.Zero, [], 0, 0);

    /// <summary>Whether both say the same, whatever their versions.</summary>
    public bool SaysTheSameAs(MasterSnapshot other) =>
        this with { Version = other.Version, Replicas = other.Replicas } == other && Replicas.SequenceEqual(other.Replicas);
}
