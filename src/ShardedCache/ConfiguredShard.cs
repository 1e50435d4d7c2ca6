using ShardedCache.Connections;

namespace ShardedCache;

/// <summary>
/// One shard as configured: its name in the sharding rule, its weight there, and its address where that is fixed; a
/// shard without one is asked for at the Sentinels, by its name.
/// </summary>
internal sealed record ConfiguredShard(string Name, int Weight = 1, ServerAddress? FixedAddress = null);
