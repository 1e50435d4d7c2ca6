namespace ShardedCache.LoadLab.Failover;

/// <summary>Errors that a scenario provokes by misconfiguration, which the cache must not hide.</summary>
internal sealed record ErrorAllowance(string Exception, int Shard, long Start, long End);
