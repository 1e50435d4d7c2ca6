namespace ShardedCache.LoadLab.Workers;

/// <summary>Keys by which a worker shows that its writes reach a shard's master. They are no part of the history.</summary>
internal static class Probe
{
    public static string Key(IShardedCache cache, string shard, int process) =>
        Enumerable.Range(0, 10_000).Select(number => $"lab:probe:{process}:{number}").First(key => cache.GetShard(key) == shard);
}
