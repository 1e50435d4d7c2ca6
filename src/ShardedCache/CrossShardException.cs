namespace ShardedCache;

/// <summary>An operation over several keys was given keys of different shards. Nothing was sent.</summary>
public sealed class CrossShardException : ArgumentException
{
    internal CrossShardException(IReadOnlyList<KeyValuePair<string, string>> shards, string hashTag)
        : base(
            $"The keys live on different shards, and nothing is atomic across shards: {string.Join(", ", shards.Select(static pair => $"'{pair.Key}' on {pair.Value}"))}. "
            + $"Give them all the hash tag '{{{hashTag}}}', as in '{{{hashTag}}}:member', and they share one.", "keys")
    {
        Shards = shards;
        HashTag = hashTag;
    }

    /// <summary>The keys in the order in which they were given, each with its shard.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Shards { get; }

    /// <summary>What would put them together, without its braces: the group's name.</summary>
    public string HashTag { get; }
}
