namespace ShardedCache.Testing.Configuration;

/// <summary>The text of redis.conf and sentinel.conf, as the farm first writes them.</summary>
internal static class ConfigurationFiles
{
    public static void WriteServer(FarmContext farm, RedisProcess process, RedisProcess? master)
    {
        List<string> lines =
        [
            .. Common(farm, process, farm.Options.User, farm.Options.Password, farm.Options.UserRules),
            $"replica-announce-ip {process.Host}",

            // Nothing is kept over a restart unless a test asks for it by SAVE or by configuration, also not what a full sync left behind.
            "save \"\"",
            "appendonly no",
            "rdb-del-sync-files yes",

            // A planned failover must not promote a replica that never synced.
            "repl-diskless-sync-delay 0",
            "lazyfree-lazy-expire yes",
            "enable-debug-command local",
        ];
        if (farm.Options.Password is not null)
        {
            lines.Add($"masteruser {FarmContext.OwnUser}");
            lines.Add($"masterauth {farm.OwnPassword}");
        }

        if (master is not null)
        {
            lines.Add($"replicaof {master.Host} {master.Port}");
        }

        File.WriteAllLines(process.ConfigurationPath, lines.Concat(farm.Options.ServerConfiguration));
    }

    /// <summary>
    /// The shards, and also what a Sentinel writes down itself once it has found replicas and the other Sentinels: by itself it takes 2 s
    /// and more to find them.
    /// </summary>
    public static void WriteSentinel(
        FarmContext farm,
        SentinelIdentity self,
        IReadOnlyList<SentinelIdentity> others,
        IReadOnlyList<(RedisFarmShard Shard, RedisProcess Master)> watched,
        int quorum)
    {
        var options = farm.Options;
        List<string> lines =
        [
            .. Common(farm, self.Process, options.SentinelUser, options.SentinelPassword, options.SentinelUserRules),
            $"sentinel myid {self.Id}",
            $"sentinel announce-ip {self.Process.Host}",
            $"sentinel announce-port {self.Process.Port}",
        ];
        if (options.SentinelPassword is not null)
        {
            lines.Add($"sentinel sentinel-user {FarmContext.OwnUser}");
            lines.Add($"sentinel sentinel-pass {farm.OwnPassword}");
        }

        foreach (var (shard, master) in watched)
        {
            var name = shard.Name;
            var replicas = shard.Servers.Where(server => server != master);
            lines.Add($"sentinel monitor {name} {master.Host} {master.Port} {quorum}");
            lines.AddRange(MonitorSettings(farm).Select(setting => $"sentinel {setting.Key} {name} {setting.Value}"));
            lines.AddRange(replicas.Select(replica => $"sentinel known-replica {name} {replica.Host} {replica.Port}"));
            lines.AddRange(others.Select(other => $"sentinel known-sentinel {name} {other.Process.Host} {other.Process.Port} {other.Id}"));
        }

        File.WriteAllLines(self.Process.ConfigurationPath, lines.Concat(options.SentinelConfiguration));
    }

    /// <summary>What SENTINEL SET takes, too.</summary>
    public static IEnumerable<KeyValuePair<string, string>> MonitorSettings(FarmContext farm)
    {
        yield return new("down-after-milliseconds", Milliseconds(farm.Options.DownAfter));
        yield return new("failover-timeout", Milliseconds(farm.Options.FailoverTimeout));
        yield return new("parallel-syncs", "1");
        if (farm.Options.Password is not null)
        {
            yield return new("auth-user", FarmContext.OwnUser);
            yield return new("auth-pass", farm.OwnPassword);
        }
    }

    private static IEnumerable<string> Common(FarmContext farm, RedisProcess process, string? user, string? password, string rules)
    {
        yield return $"bind {process.Host}";
        yield return farm.Certificates is null ? $"port {process.Port}" : "port 0";
        yield return $"dir \"{process.Directory}\"";
        yield return "protected-mode no";
        yield return "daemonize no";
        if (farm.Certificates is { } certificates)
        {
            yield return $"tls-port {process.Port}";
            yield return $"tls-cert-file \"{certificates.ServerCertificatePath}\"";
            yield return $"tls-key-file \"{certificates.ServerKeyPath}\"";
            yield return $"tls-ca-cert-file \"{certificates.CaPath}\"";
            yield return $"tls-auth-clients {(farm.Options.RequireClientCertificate ? "yes" : "no")}";
            yield return "tls-replication yes";
        }

        if (password is not null)
        {
            if (user is not null)
            {
                yield return "user default off";
            }

            yield return $"user {user ?? "default"} on #{FarmContext.Hash(password)} {rules}";
            yield return $"user {FarmContext.OwnUser} on #{FarmContext.Hash(farm.OwnPassword)} ~* &* +@all";
        }
    }

    private static string Milliseconds(TimeSpan time) => $"{(long)time.TotalMilliseconds}";
}
