using ShardedCache.Sharding;

namespace ShardedCache.Tests.Sharding;

internal static class Shards
{
    public static ShardName[] Named(int count) => [.. Enumerable.Range(0, count).Select(i => new ShardName($"shard-{i}"))];

    public static ShardName[] Parse(params IEnumerable<string> texts) => [.. texts.Select(text =>
        ShardName.TryParse(text, out var shard) ? shard : throw new ArgumentException(text))];
}
