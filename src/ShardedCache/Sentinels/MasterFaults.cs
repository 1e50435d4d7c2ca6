namespace ShardedCache.Sentinels;

/// <summary>Says why no Sentinel names a shard's master: three causes with three different remedies.</summary>
internal static class MasterFaults
{
    /// <param name="shard">The name that was asked for.</param>
    /// <param name="reports">The last of each Sentinel that is asked, null where it had not had its time yet. None names the master.</param>
    public static MasterFault Find(string shard, IReadOnlyList<SentinelReport?> reports)
    {
        if (reports.Contains(null))
        {
            return MasterFault.NotAskedYet;
        }

        var answering = reports.OfType<SentinelReport>().Where(static report => report.Fault is null).ToArray();
        if (answering.Length > 0)
        {
            var monitored = answering.SelectMany(static report => report.Monitored).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
            return new(
                MasterFaultKind.NameUnknown,
                $"No Sentinel monitors a master named '{shard}'. They monitor {(monitored.Length == 0 ? "none" : string.Join(", ", monitored))}. "
                + $"Correct shards= in the connection string, or tell the Sentinels (SENTINEL MONITOR).{Others(reports, "Not answering")}");
        }

        return reports.Any(static report => report!.Fault!.IsConfigurationError)
            ? new(
                MasterFaultKind.Refused,
                $"The Sentinels refuse us.{Others(reports, "They say")} Check sentinelUser, sentinelPassword, ssl, and the user's ACL rule on every Sentinel.")
            : new(
                MasterFaultKind.AllUnreachable,
                $"No Sentinel can be reached.{Others(reports, "Asked")} Check the connection string's end points, the network, and that the Sentinels run.");
    }

    private static string Others(IReadOnlyList<SentinelReport?> reports, string title)
    {
        var faults = reports.Where(static report => report?.Fault is not null)
            .Select(static report => $"{report!.Sentinel} ({report.Fault!.Kind}: {report.Fault.Message})").ToArray();
        return faults.Length == 0 ? string.Empty : $" {title}: {string.Join(", ", faults)}.";
    }
}
