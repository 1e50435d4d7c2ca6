using ShardedCache.Testing.Configuration;
using ShardedCache.Testing.Processes;

namespace ShardedCache.Testing;

internal static class FarmServers
{
    private const int Attempts = 5;

    public static async Task<RedisFarmShard> StartShardAsync(
        FarmContext context, FarmSentinels sentinels, string name, CancellationToken cancellationToken)
    {
        var master = await StartServerAsync(context, $"{name}.0", null, cancellationToken).ConfigureAwait(false);
        var replicas = await Task.WhenAll(Enumerable.Range(1, context.Options.ReplicasPerShard)
            .Select(index => StartServerAsync(context, $"{name}.{index}", master, cancellationToken))).ConfigureAwait(false);
        var shard = new RedisFarmShard(sentinels, name, [master, .. replicas]);
        await shard.WaitForReplicasAsync(master, Poll.DefaultTimeout, cancellationToken).ConfigureAwait(false);
        return shard;
    }

    private static async Task<RedisProcess> StartServerAsync(
        FarmContext context, string name, RedisProcess? master, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var process = context.Create(name, isSentinel: false);
            ConfigurationFiles.WriteServer(context, process, master);
            try
            {
                await process.StartAsync(cancellationToken).ConfigureAwait(false);
                return process;
            }
            catch (RedisFarmException) when (attempt < Attempts && process.LostItsPort())
            {
                context.Discard(process);
            }
        }
    }
}
