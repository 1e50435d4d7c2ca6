using ShardedCache.Testing.Processes;

namespace ShardedCache.Testing;

/// <summary>Whether the Sentinels have found everything that runs.</summary>
internal static class SentinelKnowledge
{
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(2);

    public static Task WaitAsync(
        IReadOnlyList<RedisProcess> sentinels, IReadOnlyList<RedisFarmShard> shards, TimeSpan timeout, CancellationToken cancellationToken) =>
        Poll.UntilAsync(
            async token =>
            {
                var missing = await Task.WhenAll(
                    from sentinel in sentinels
                    where sentinel.IsRunning
                    from shard in shards
                    select MissingAsync(sentinel, shard, sentinels, token)).ConfigureAwait(false);
                return Array.Find(missing, static text => text is not null);
            },
            "every Sentinel to know masters, replicas and Sentinels",
            timeout,
            () => string.Concat(sentinels.Select(static sentinel => sentinel.LogTail())),
            cancellationToken);

    private static async Task<string?> MissingAsync(
        RedisProcess sentinel, RedisFarmShard shard, IReadOnlyList<RedisProcess> sentinels, CancellationToken cancellationToken)
    {
        var master = (await sentinel.AskAsync(AskTimeout, cancellationToken, "SENTINEL", "MASTER", shard.Name).ConfigureAwait(false)).Fields;
        if (master["flags"] != "master")
        {
            return $"{sentinel} sees the master of {shard.Name} as \"{master["flags"]}\".";
        }

        var known = await UpAsync(sentinel, "REPLICAS", shard.Name, "slave", cancellationToken).ConfigureAwait(false);
        known.UnionWith(await UpAsync(sentinel, "SENTINELS", shard.Name, "sentinel", cancellationToken).ConfigureAwait(false));
        known.Add($"{master["ip"]} {master["port"]}");
        known.Add($"{sentinel.Host} {sentinel.Port}");
        var missing = shard.Servers.Concat(sentinels)
            .FirstOrDefault(process => process.IsRunning && !known.Contains($"{process.Host} {process.Port}"));
        return missing is null ? null : $"{sentinel} does not know {missing} as up, for {shard.Name}.";
    }

    private static async Task<HashSet<string>> UpAsync(
        RedisProcess sentinel, string kind, string shard, string upFlags, CancellationToken cancellationToken)
    {
        var reply = await sentinel.AskAsync(AskTimeout, cancellationToken, "SENTINEL", kind, shard).ConfigureAwait(false);
        return [.. reply.Items!.Select(static item => item.Fields)
            .Where(fields => fields["flags"] == upFlags && fields.GetValueOrDefault("master-link-status", "ok") == "ok")
            .Select(static fields => $"{fields["ip"]} {fields["port"]}")];
    }
}
