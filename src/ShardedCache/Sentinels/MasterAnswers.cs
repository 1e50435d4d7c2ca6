using ShardedCache.Connections;

namespace ShardedCache.Sentinels;

/// <summary>What all Sentinels say of one shard at one moment.</summary>
/// <param name="Sentinels">How many there are, answering or not; one that is reached by two addresses counts once.</param>
/// <param name="Reports">One per Sentinel that is asked; null where it had not had its time yet.</param>
/// <param name="Answers">Those that name a master.</param>
internal sealed record MasterAnswers(
    int Sentinels, IReadOnlyList<SentinelReport?> Reports, IReadOnlyList<ReportedMaster> Answers)
{
    public IEnumerable<MasterClaim> Claims => Answers.Select(static answer => new MasterClaim(
        Identity(answer.Report), answer.Answer.Address, answer.Answer.Epoch, !answer.Report.IsInTilt));

    public static MasterAnswers Of(string shard, IReadOnlyList<ServerAddress> roster, IReadOnlyDictionary<ServerAddress, SentinelReport> reports)
    {
        SentinelReport?[] all = [.. roster.Select(address => reports.GetValueOrDefault(address))];
        var identities = roster.Zip(all, static (address, report) => report is null ? address.ToString() : Identity(report));
        var answers = from report in all
                      where report is { Fault: null } && report.Masters.ContainsKey(shard)
                      select new ReportedMaster(report, report.Masters[shard]);
        return new(identities.Distinct(StringComparer.Ordinal).Count(), all, [.. answers]);
    }

    /// <summary>Whether a majority has answered what was asked later than <paramref name="since"/>, or everyone has answered or failed to.</summary>
    public static bool HaveAnswered(IReadOnlyList<ServerAddress> roster, IReadOnlyDictionary<ServerAddress, SentinelReport> reports, long since)
    {
        var asked = roster.Select(address => reports.GetValueOrDefault(address) is { } report && report.AskedAt > since ? report : null).ToArray();
        var sentinels = roster.Select(address => reports.GetValueOrDefault(address) is { } known ? Identity(known) : address.ToString())
            .Distinct(StringComparer.Ordinal).Count();
        var answered = asked.Where(static report => report is { Fault: null }).Select(static report => Identity(report!))
            .Distinct(StringComparer.Ordinal).Count();
        return answered * 2 > sentinels || Array.TrueForAll(asked, static report => report is not null);
    }

    public MasterSnapshot ToSnapshot(string shard, MasterAgreement agreement, MasterSnapshot known)
    {
        var agreeing = Answers.Where(answer => answer.Answer.Address == agreement.Master).ToArray();
        if (agreeing.Length == 0)
        {
            return known with
            {
                Master = agreement.Master,
                ConfigEpoch = Math.Max(agreement.Epoch, 0),
                IsSubjectivelyDown = false,
                Promotable = known.KnownReplicas,
                Fault = Answers.Count == 0 ? MasterFaults.Find(shard, Reports) : null,
            };
        }

        var replicas = agreeing.SelectMany(answer => answer.Report.Topology.Replicas.GetValueOrDefault(shard, []))
            .Where(replica => replica.Address != agreement.Master).ToArray();
        ServerAddress[] reached =
        [
            .. replicas.Where(static replica => replica.IsReached).Select(static replica => replica.Address)
                .Distinct().OrderBy(static address => address.ToString(), StringComparer.Ordinal),
        ];
        var knownReplicas = replicas.Select(static replica => replica.Address).Distinct().Count();
        var isMajority = agreeing.Select(static answer => Identity(answer.Report)).Distinct(StringComparer.Ordinal).Count() * 2 > Sentinels;

        // A Sentinel in TILT does not know who is down.
        var seeing = agreeing.Where(static answer => !answer.Report.IsInTilt).ToArray();
        return known with
        {
            Master = agreement.Master,
            ConfigEpoch = agreement.Epoch,
            IsSubjectivelyDown = seeing.Count(static answer => answer.Answer.IsDown) * 2 > seeing.Length,
            Fault = null,
            DownAfter = agreeing.Max(static answer => answer.Answer.DownAfter),
            Replicas = reached,
            KnownReplicas = knownReplicas,
            Promotable = isMajority ? reached.Length : knownReplicas,
        };
    }

    private static string Identity(SentinelReport report) => report.Id ?? report.Sentinel.ToString();
}

/// <summary>The master that one Sentinel names.</summary>
internal sealed record ReportedMaster(SentinelReport Report, MasterAnswer Answer);
