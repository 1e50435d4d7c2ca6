using System.Collections.Immutable;
using ShardedCache.Connections;

namespace ShardedCache.Sentinels;

/// <summary>One Sentinel's word for an address, as the agreement counts it.</summary>
/// <param name="Voter">The Sentinel's identity: one that is reached by two addresses has one vote.</param>
/// <param name="Address">The master that it names.</param>
/// <param name="Epoch">The configuration epoch that it names.</param>
/// <param name="HasVote">False for a Sentinel in TILT: its news count, its vote does not.</param>
internal sealed record MasterClaim(string Voter, ServerAddress Address, long Epoch, bool HasVote = true);

/// <summary>
/// Who is master of one shard, by all that was heard until now. Immutable and without clock or I/O: the next agreement
/// follows from this one, the Sentinels' latest claims and the time.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>An epoch above all that were agreed on before is news, from whichever Sentinel.</item>
/// <item>Another address at the same epoch wins where <c>ROLE</c> says that the agreed one is a replica, or where more
/// Sentinels name it and <c>ROLE</c> said nothing; never when it was left before, and not against a confirmed master.</item>
/// <item>All else goes back: to an older epoch, to an address that was left, against a confirmed master. A majority of all
/// known Sentinels must have agreed on it without a break for <see cref="SentinelTimings.Reversal"/>. After such a
/// reversal the epochs count up again from below; up to the highest of before a majority is asked for, without the wait,
/// so that a Sentinel that missed the reversal does not undo it.</item>
/// </list>
/// </remarks>
internal sealed record MasterAgreement(TimeSpan Reversal)
{
    public ServerAddress? Master { get; private init; }

    public long Epoch { get; private init; }

    /// <summary>Whether the agreed address was reached by a reversal and no news has come since.</summary>
    public bool IsReversed => Epoch < HighestEpoch;

    private long HighestEpoch { get; init; } = -1;

    private ServerRole? Role { get; init; }

    private ImmutableHashSet<ServerAddress> Left { get; init; } = [];

    private PendingReversal? Pending { get; init; }

    public MasterAgreement WithRole(ServerAddress address, ServerRole role) => address == Master ? this with { Role = role } : this;

    /// <param name="claims">The latest of each Sentinel that has answered.</param>
    /// <param name="sentinels">How many Sentinels there are, answering or not.</param>
    /// <param name="now">Any clock that never goes back.</param>
    public MasterAgreement Next(IEnumerable<MasterClaim> claims, int sentinels, TimeSpan now)
    {
        var candidates = Candidate.Of(claims, Left);
        if (candidates.Count == 0)
        {
            return this with { Pending = null };
        }

        if (candidates[0].Epoch > HighestEpoch)
        {
            return Adopt(candidates[0]);
        }

        if (candidates.Find(IsBetterAtTheSameEpoch) is { } better)
        {
            return Adopt(better);
        }

        var reversal = candidates.Find(candidate => candidate.Votes * 2 > sentinels);
        if (reversal is null || reversal.IsSameAs(Master, Epoch))
        {
            return this with { Pending = null };
        }

        var since = Pending is { } pending && reversal.IsSameAs(pending.Address, pending.Epoch) ? pending.Since : now;
        return reversal.Epoch > Epoch || now - since >= Reversal
            ? Adopt(reversal)
            : this with { Pending = new(reversal.Address, reversal.Epoch, since) };

        bool IsBetterAtTheSameEpoch(Candidate candidate) =>
            candidate.Epoch == Epoch && candidate.Address != Master && !candidate.WasLeft && Role switch
            {
                ServerRole.Replica => true,
                ServerRole.Master => false,
                _ => candidate.Votes > (candidates.Find(other => other.IsSameAs(Master, Epoch))?.Votes ?? 0),
            };
    }

    private MasterAgreement Adopt(Candidate candidate)
    {
        var stays = candidate.Address == Master;
        return this with
        {
            Master = candidate.Address,
            Epoch = candidate.Epoch,
            HighestEpoch = Math.Max(candidate.Epoch, HighestEpoch),
            Role = stays ? Role : null,
            Left = stays || Master is null ? Left : Left.Remove(candidate.Address).Add(Master),
            Pending = null,
        };
    }

    private sealed record PendingReversal(ServerAddress Address, long Epoch, TimeSpan Since);

    private sealed record Candidate(ServerAddress Address, long Epoch, int Votes, bool WasLeft)
    {
        public bool IsSameAs(ServerAddress? address, long epoch) => Address == address && Epoch == epoch;

        /// <summary>Best first; the last criterion only makes every process choose alike.</summary>
        public static List<Candidate> Of(IEnumerable<MasterClaim> claims, ImmutableHashSet<ServerAddress> left) =>
        [
            .. claims
                .GroupBy(static claim => new { claim.Address, claim.Epoch })
                .Select(group => new Candidate(
                    group.Key.Address,
                    group.Key.Epoch,
                    group.Where(static claim => claim.HasVote).Select(static claim => claim.Voter).Distinct(StringComparer.Ordinal).Count(),
                    left.Contains(group.Key.Address)))
                .OrderByDescending(static candidate => candidate.Epoch)
                .ThenBy(static candidate => candidate.WasLeft)
                .ThenByDescending(static candidate => candidate.Votes)
                .ThenBy(static candidate => candidate.Address.ToString(), StringComparer.OrdinalIgnoreCase),
        ];
    }
}
