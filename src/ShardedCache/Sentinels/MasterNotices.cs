using Microsoft.Extensions.Logging;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;

namespace ShardedCache.Sentinels;

/// <summary>Logs what changed, once each.</summary>
internal sealed class MasterNotices(ILogger logger)
{
    public void OnReport(SentinelReport report, SentinelReport? before)
    {
        if (report.Fault is { } fault)
        {
            if (before is null || before.Fault?.Kind != fault.Kind)
            {
                if (fault.IsConfigurationError)
                {
                    logger.SentinelRefuses(report.Sentinel, fault.Kind, fault.Message);
                }
                else
                {
                    logger.SentinelUnreachable(report.Sentinel, fault.Kind, fault.Message);
                }
            }
        }
        else if (before?.Fault is not null)
        {
            logger.SentinelAnswersAgain(report.Sentinel);
        }

        if (report.IsInTilt && before is not { IsInTilt: true })
        {
            logger.SentinelInTilt(report.Sentinel);
        }
    }

    public void OnRoster(IReadOnlyList<ServerAddress> before, IReadOnlyList<ServerAddress> now)
    {
        foreach (var learned in now.Except(before))
        {
            logger.SentinelLearned(learned);
        }

        foreach (var forgotten in before.Except(now))
        {
            logger.SentinelForgotten(forgotten);
        }
    }

    public void OnSnapshot(string shard, MasterSnapshot before, MasterSnapshot now, bool isReversed)
    {
        if (now.Master is { } master && (master != before.Master || now.ConfigEpoch != before.ConfigEpoch))
        {
            if (isReversed && before.Master is not null && now.ConfigEpoch < before.ConfigEpoch)
            {
                logger.EpochReversed(shard, master, now.ConfigEpoch, before.ConfigEpoch);
            }
            else
            {
                logger.MasterAgreed(shard, master, now.ConfigEpoch);
            }
        }

        if (now.IsSubjectivelyDown && !before.IsSubjectivelyDown)
        {
            logger.MasterDown(shard, now.Master);
        }

        if (now.Fault is { Kind: not MasterFaultKind.NotAskedYet } fault && fault.Kind != before.Fault?.Kind)
        {
            if (fault.IsConfigurationError)
            {
                logger.MasterMisconfigured(shard, fault.Message);
            }
            else
            {
                logger.MasterUnconfirmed(shard, fault.Message);
            }
        }
    }
}
