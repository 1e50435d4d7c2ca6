using ShardedCache.Testing.Processes;

namespace ShardedCache.Testing;

internal sealed class FarmSentinels(FarmContext context, IReadOnlyList<RedisFarmShard> shards)
{
    private const int Attempts = 5;
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(2);

    private volatile IReadOnlyList<SentinelIdentity> _identities = [];

    public IReadOnlyList<RedisProcess> All => [.. _identities.Select(static identity => identity.Process)];

    public async Task StartAllAsync(int count, CancellationToken cancellationToken)
    {
        WatchedShard[] watched = [.. shards.Select(static shard => new WatchedShard(shard.Name, shard.InitialMaster, [.. shard.Servers.Skip(1)]))];
        for (var attempt = 1; ; attempt++)
        {
            // They name each other in their configuration, so a lost port starts all of them anew.
            SentinelIdentity[] identities =
            [
                .. Enumerable.Range(0, count)
                    .Select(index => new SentinelIdentity(context.Create($"sentinel-{index}", isSentinel: true), SentinelIdentity.NewId())),
            ];
            foreach (var identity in identities)
            {
                ConfigurationFiles.WriteSentinel(
                    context, identity, [.. identities.Where(other => other != identity)], watched, quorum: (count / 2) + 1);
            }

            try
            {
                await Task.WhenAll(identities.Select(identity => identity.Process.StartAsync(cancellationToken))).ConfigureAwait(false);
                _identities = identities;
                await WaitAsync(context.Options.StartTimeout, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (RedisFarmException) when (attempt < Attempts && identities.Any(static identity => identity.Process.LostItsPort()))
            {
                foreach (var identity in identities)
                {
                    context.Discard(identity.Process);
                }
            }
        }
    }

    public Task WaitAsync(TimeSpan timeout, CancellationToken cancellationToken) => Poll.UntilAsync(
        async token =>
        {
            foreach (var sentinel in All.Where(static sentinel => sentinel.IsRunning))
            {
                foreach (var shard in shards)
                {
                    if (await MissingAsync(sentinel, shard, token).ConfigureAwait(false) is { } missing)
                    {
                        return $"{missing} for {sentinel}.";
                    }
                }
            }

            return null;
        },
        "every Sentinel to know masters, replicas and Sentinels",
        timeout,
        () => string.Concat(All.Select(static sentinel => sentinel.LogTail())),
        cancellationToken);

    private async Task<string?> MissingAsync(RedisProcess sentinel, RedisFarmShard shard, CancellationToken cancellationToken)
    {
        var master = (await sentinel.AskAsync(AskTimeout, cancellationToken, "SENTINEL", "MASTER", shard.Name).ConfigureAwait(false)).Fields;
        if (master["flags"] != "master")
        {
            return $"the master of {shard.Name} is \"{master["flags"]}\"";
        }

        var known = await UpAsync(sentinel, "REPLICAS", shard.Name, "slave", cancellationToken).ConfigureAwait(false);
        known.UnionWith(await UpAsync(sentinel, "SENTINELS", shard.Name, "sentinel", cancellationToken).ConfigureAwait(false));
        known.Add($"{master["ip"]} {master["port"]}");
        known.Add($"{sentinel.Host} {sentinel.Port}");
        var missing = shard.Servers.Concat(All).FirstOrDefault(process => process.IsRunning && !known.Contains($"{process.Host} {process.Port}"));
        return missing is null ? null : $"{missing} is not yet known and up in {shard.Name}";
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
