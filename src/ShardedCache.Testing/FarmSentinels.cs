using ShardedCache.Testing.Configuration;

namespace ShardedCache.Testing;

/// <summary>The Sentinels of a farm: started together, and later one by one.</summary>
internal sealed class FarmSentinels(FarmContext context)
{
    private const int Attempts = 5;

    private readonly Lock _gate = new();
    private volatile IReadOnlyList<SentinelIdentity> _identities = [];
    private int _created;

    public IReadOnlyList<RedisProcess> All => [.. _identities.Select(static identity => identity.Process)];

    private int Quorum => (context.Options.Sentinels / 2) + 1;

    /// <summary>They name each other in their configuration, so a lost port starts all of them anew.</summary>
    public async Task StartAllAsync(IReadOnlyList<RedisFarmShard> shards, CancellationToken cancellationToken)
    {
        var watched = shards.Select(static shard => (shard, shard.InitialMaster)).ToArray();
        for (var attempt = 1; ; attempt++)
        {
            SentinelIdentity[] identities = [.. Enumerable.Range(0, context.Options.Sentinels).Select(_ => Create(SentinelIdentity.NewId()))];
            foreach (var identity in identities)
            {
                ConfigurationFiles.WriteSentinel(context, identity, [.. identities.Where(other => other != identity)], watched, Quorum);
            }

            try
            {
                await Task.WhenAll(identities.Select(identity => identity.Process.StartAsync(cancellationToken))).ConfigureAwait(false);
                _identities = identities;
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

    public async Task<RedisProcess> AddAsync(string id, IReadOnlyList<RedisFarmShard> shards, CancellationToken cancellationToken)
    {
        var watched = await Task.WhenAll(shards.Select(async shard => (shard, await shard.GetMasterAsync(cancellationToken).ConfigureAwait(false))))
            .ConfigureAwait(false);
        for (var attempt = 1; ; attempt++)
        {
            var added = Create(id);
            ConfigurationFiles.WriteSentinel(context, added, _identities, watched, Quorum);
            try
            {
                await added.Process.StartAsync(cancellationToken).ConfigureAwait(false);
                Change(identities => [.. identities, added]);
                return added.Process;
            }
            catch (RedisFarmException) when (attempt < Attempts && added.Process.LostItsPort())
            {
                context.Discard(added.Process);
            }
        }
    }

    /// <summary>Kills it and returns the id by which the others know it.</summary>
    public string Remove(RedisProcess sentinel)
    {
        var removed = _identities.FirstOrDefault(identity => identity.Process == sentinel)
            ?? throw new ArgumentException($"{sentinel} is no Sentinel of this farm.", nameof(sentinel));
        Change(identities => [.. identities.Where(identity => identity != removed)]);
        context.Discard(sentinel);
        return removed.Id;
    }

    /// <summary>What an operator says to one Sentinel to make it watch a shard that it does not know.</summary>
    public IEnumerable<string[]> MonitorCommands(string shard, RedisProcess master) =>
    [
        ["SENTINEL", "MONITOR", shard, master.Host, $"{master.Port}", $"{Quorum}"],
        .. ConfigurationFiles.MonitorSettings(context).Select(setting => (string[])["SENTINEL", "SET", shard, setting.Key, setting.Value]),
    ];

    private SentinelIdentity Create(string id) => new(context.Create($"sentinel-{Interlocked.Increment(ref _created) - 1}", isSentinel: true), id);

    private void Change(Func<IReadOnlyList<SentinelIdentity>, IReadOnlyList<SentinelIdentity>> change)
    {
        lock (_gate)
        {
            _identities = change(_identities);
        }
    }
}
