namespace ShardedCache.LoadLab.Failover;

/// <summary>Errors that a scenario provokes by misconfiguration, which the cache must not hide: also those of a batch that has one key on the shard.</summary>
/// <param name="Text">How the errors begin.</param>
/// <param name="Start">From when on they are right.</param>
/// <param name="End">Until when.</param>
internal sealed record ErrorAllowance(string Text, long Start, long End);
