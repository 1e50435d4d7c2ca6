using System.IO.Hashing;

namespace ShardedCache.Sharding;

/// <summary>
/// Version 1 of the rule that gives each key its shard: rendezvous hashing over the shards' names. Specified in
/// <c>docs/sharding-rule.md</c>; every client of a farm must agree for ever, so nothing here may change.
/// </summary>
/// <remarks>
/// Rendezvous hashing: D. Thaler and C. Ravishankar, "Using name-based mappings to increase hit rates", 1998. The answer
/// by name does not depend on the order of the list. Immutable; the time grows with the sum of the weights.
/// </remarks>
internal sealed class ShardingRule
{
    public const int Version = 1;

    private readonly Candidates _candidates;

    /// <exception cref="ArgumentException">No shard, a name or weight out of its bounds, or a name twice.</exception>
    public ShardingRule(IReadOnlyList<ShardName> shards)
    {
        ArgumentNullException.ThrowIfNull(shards);
        if (shards.Count == 0)
        {
            throw new ArgumentException("A sharding rule needs at least one shard.", nameof(shards));
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var shard in shards)
        {
            if (!shard.IsValid)
            {
                throw new ArgumentException(
                    $"'{shard}' is not a shard: a name has 1 to {ShardName.MaxLength} letters, digits or any of . _ : [ ] - "
                    + $"and a weight is 1 to {ShardName.MaxWeight}.",
                    nameof(shards));
            }

            if (!names.Add(shard.Name))
            {
                throw new ArgumentException($"Shard '{shard.Name}' is given twice.", nameof(shards));
            }
        }

        Shards = [.. shards];
        _candidates = new Candidates(Shards);
    }

    public IReadOnlyList<ShardName> Shards { get; }

    /// <summary>The index in <see cref="Shards"/> of the shard that has this key: the full Redis key, prefix and all.</summary>
    public int Route(ReadOnlySpan<byte> redisKey) => Route(redisKey, out _);

    /// <inheritdoc cref="Route(ReadOnlySpan{byte})"/>
    /// <param name="redisKey">The full Redis key.</param>
    /// <param name="hash">Of the routed bytes: the same for all keys of a hash tag.</param>
    public int Route(ReadOnlySpan<byte> redisKey, out ulong hash)
    {
        hash = XxHash3.HashToUInt64(HashTag.Of(redisKey));
        return Shards.Count == 1 ? 0 : _candidates.Winner(hash);
    }
}
