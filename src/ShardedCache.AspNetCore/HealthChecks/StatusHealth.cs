using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ShardedCache.Diagnostics;
using ShardedCache.Shards;

namespace ShardedCache.AspNetCore.HealthChecks;

/// <summary>From a cache's status to its health. Pure.</summary>
internal static class StatusHealth
{
    // A whole farm that is down must not make a page of each line.
    private const int NamedAtMost = 8;

    public static HealthCheckResult Of(CacheStatus status, HealthStatus failureStatus)
    {
        var shards = status.Shards;
        if (shards.Count == 0)
        {
            return HealthCheckResult.Healthy("No Redis is configured: entries are kept in this process's memory.");
        }

        var fallback = status.FailoverMode switch
        {
            FailoverMode.LocalTier => "served by the local tier",
            FailoverMode.Bypass => "bypassed",
            _ => "its operations throw",
        };
        var writes = status.FailoverMode switch
        {
            FailoverMode.LocalTier => "the journal keeps them",
            FailoverMode.Bypass => "they are dropped",
            _ => "they throw",
        };
        var misconfigured = Told(shards, "Wrong configuration", static shard => shard.State == ShardState.Misconfigured, State);
        var refusing = Told(
            shards, "Operations refused", static shard => shard.Refusal is not null, static shard => $"since {Time(shard.Refusal!.Since)}: {shard.Refusal.Reason}");
        var notUp = Told(
            shards, $"Not up ({fallback})", static shard => shard.State is not (ShardState.Up or ShardState.Misconfigured), State);
        var notWriting = Told(
            shards, "The master takes no writes", static shard => shard.State == ShardState.Up && shard.IsWriteRefused, _ => writes);
        var alone = Told(
            shards,
            "No online replica, so nothing could be promoted and no write is proven",
            static shard => shard is { State: ShardState.Up, ReplicasOnline.Count: 0 },
            static shard => $"since {Time(shard.ReplicasOnline!.Since)}");

        string[] told = [.. ((string?[])[misconfigured, refusing, notUp, notWriting, alone]).OfType<string>()];
        var health = misconfigured is not null || refusing is not null || shards.All(IsDown) ? failureStatus
            : told.Length > 0 ? HealthStatus.Degraded
            : HealthStatus.Healthy;
        var up = shards.Count(static shard => shard.State == ShardState.Up);
        var summary = string.Create(CultureInfo.InvariantCulture, $"{up} of {shards.Count} shards up.");
        return new HealthCheckResult(
            health,
            string.Join(' ', [summary, .. told]),
            data: shards.ToDictionary(static shard => shard.Name, static shard => (object)Data(shard), StringComparer.Ordinal));
    }

    /// <summary>A shard whose connection has just ended, or that is being recovered, is on its way back.</summary>
    private static bool IsDown(ShardStatus shard) => shard.State is ShardState.Connecting or ShardState.FailingOver or ShardState.Misconfigured;

    private static string? Told(
        IReadOnlyList<ShardStatus> shards, string title, Func<ShardStatus, bool> concerns, Func<ShardStatus, string> describe)
    {
        var concerned = shards.Where(concerns).ToArray();
        if (concerned.Length == 0)
        {
            return null;
        }

        var more = concerned.Length > NamedAtMost ? string.Create(CultureInfo.InvariantCulture, $"; and {concerned.Length - NamedAtMost} more") : "";
        return $"{title}: {string.Join("; ", concerned.Take(NamedAtMost).Select(shard => $"{shard.Name} ({describe(shard)})"))}{more}.";
    }

    private static string State(ShardStatus shard) => shard.State == ShardState.Connecting
        ? $"not reached yet since {Time(shard.Since)}"
        : $"since {Time(shard.Since)}, now {shard.State}{(shard.Fault is null ? "" : ": ")}{shard.Fault}";

    /// <summary>Of types that every writer of health reports can serialize.</summary>
    private static Dictionary<string, object> Data(ShardStatus shard)
    {
        var data = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["state"] = shard.State.ToString(),
            ["since"] = Time(shard.Since),
            ["replicaReady"] = shard.IsReplicaReady,
            ["journalBytes"] = shard.JournalBytes,
            ["journalCount"] = shard.JournalCount,
            ["undelivered"] = shard.Undelivered,
        };
        Add("master", shard.Master?.ToString());
        Add("fault", shard.Fault);
        Add("refused", shard.Refusal?.Reason);
        Add("replicasOnline", shard.ReplicasOnline?.Count);
        Add("replicaLagMilliseconds", (long?)shard.ReplicaLag?.TotalMilliseconds);
        return data;

        void Add(string name, object? value)
        {
            if (value is not null)
            {
                data.Add(name, value);
            }
        }
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
