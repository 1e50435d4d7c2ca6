using System.Globalization;
using System.Text;
using ShardedCache.Sharding;

namespace ShardedCache.Tests.Sharding;

/// <summary>
/// Where a million keys go as a farm grows: half of them counted up (<c>product:17</c>), half random of a fixed seed
/// (<c>session:…</c>). Not every count up to 64, to keep it to seconds; each comes with its predecessor.
/// </summary>
public sealed class MillionKeys
{
    public const int Count = 1_000_000;

    private const int Parts = 64;

    private readonly Lock _gate = new();

    public MillionKeys()
    {
        var rules = FarmSizes.ToDictionary(static size => size, static size => new ShardingRule(Shards.Named(size)));
        Parallel.For(0, Parts, part =>
        {
            var perShard = FarmSizes.ToDictionary(static size => size, static size => new long[size]);
            var moved = FarmSizes.ToDictionary(static size => size, static _ => 0L);
            var misplaced = 0L;
            var random = new Random(part);
            for (var i = part; i < Count; i += Parts)
            {
                var key = Encoding.UTF8.GetBytes(i < Count / 2
                    ? string.Create(CultureInfo.InvariantCulture, $"product:{i}")
                    : string.Create(CultureInfo.InvariantCulture, $"session:{random.NextInt64():x16}{random.NextInt64():x16}"));
                var before = (Size: 1, Shard: 0);
                foreach (var size in FarmSizes)
                {
                    var shard = rules[size].Route(key);
                    perShard[size][shard]++;
                    if (before.Size == size - 1 && before.Shard != shard)
                    {
                        moved[size]++;
                        misplaced += shard == size - 1 ? 0 : 1;
                    }

                    before = (size, shard);
                }
            }

            lock (_gate)
            {
                Misplaced += misplaced;
                foreach (var size in FarmSizes)
                {
                    Moved[size] = Moved.GetValueOrDefault(size) + moved[size];
                    PerShard[size] = [.. PerShard.GetValueOrDefault(size, new long[size]).Zip(perShard[size], static (sum, more) => sum + more)];
                }
            }
        });
    }

    public static int[] FarmSizes { get; } = [.. Enumerable.Range(2, 15), 31, 32, 63, 64];

    /// <summary>By the size of the farm: the keys of each shard.</summary>
    public Dictionary<int, long[]> PerShard { get; } = [];

    /// <summary>By the size of the farm: the keys that moved when its last shard was added. 0 where the predecessor is not measured.</summary>
    public Dictionary<int, long> Moved { get; } = [];

    /// <summary>The keys that moved to another shard than the added one.</summary>
    public long Misplaced { get; private set; }
}
