using System.Globalization;
using System.Text;

namespace ShardedCache.Sharding;

/// <summary>
/// What every shard stores under <see cref="Key"/>, so that a client with another rule is stopped before it reads or
/// writes a key. Its text form, and how an operator changes a farm's rule, are in <c>docs/sharding-rule.md</c>.
/// </summary>
/// <param name="Version">The version of the rule.</param>
/// <param name="Current">The shards, sorted by name, joined by <c>|</c>: two equal rules have equal texts.</param>
/// <param name="Previous">Likewise the shards of the rule that is being left, or null.</param>
internal sealed record RuleRecord(int Version, string Current, string? Previous = null)
{
    public const string Key = KeyEncoding.ReservedPrefix + "rule";

    /// <summary>A stored text beyond this is not read as a record; 1,024 shards with the longest names fit twice.</summary>
    public const int MaxBytes = 256 * 1024;

    public static RuleRecord ForRule(ShardingRule rule) => new(ShardingRule.Version, Canonical(rule.Shards));

    /// <summary>Whether a client with the rule of <paramref name="client"/> may use the shard that stores this record.</summary>
    public bool Accepts(RuleRecord client) =>
        Version == client.Version && (Current == client.Current || Previous == client.Current);

    public byte[] ToBytes() => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"version={Version}\ncurrent={Current}\n{(Previous is null ? "" : $"previous={Previous}\n")}"));

    /// <summary>
    /// Reads a stored record, also one that an operator has typed: any order of shards, CR LF, no last line end. A line
    /// that is not known, or is there twice, makes it no record: half understood, it would protect nothing.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out RuleRecord record)
    {
        record = new RuleRecord(0, "");
        if (bytes.Length > MaxBytes)
        {
            return false;
        }

        int? version = null;
        string? current = null;
        string? previous = null;
        foreach (var line in Encoding.UTF8.GetString(bytes).Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = line.IndexOf('=');
            var value = line[(equals + 1)..];
            var isRead = line[..Math.Max(equals, 0)] switch
            {
                "version" when version is null => TryReadVersion(value, out version),
                "current" when current is null => TryReadShards(value, out current),
                "previous" when previous is null => TryReadShards(value, out previous),
                _ => false,
            };
            if (!isRead)
            {
                return false;
            }
        }

        if (version is null || current is null)
        {
            return false;
        }

        record = new RuleRecord(version.Value, current, previous);
        return true;
    }

    /// <summary>One line for an error or a log.</summary>
    public override string ToString()
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"version {Version} over {Current}");
        return Previous is null ? text : $"{text} (before: {Previous})";
    }

    private static bool TryReadVersion(string text, out int? version)
    {
        var isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        version = number;
        return isNumber && number > 0;
    }

    private static bool TryReadShards(string text, out string? canonical)
    {
        canonical = null;
        var shards = new List<ShardName>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in text.Split('|'))
        {
            if (!ShardName.TryParse(item, out var shard) || !names.Add(shard.Name))
            {
                return false;
            }

            shards.Add(shard);
        }

        canonical = Canonical(shards);
        return true;
    }

    private static string Canonical(IEnumerable<ShardName> shards) =>
        string.Join('|', shards.OrderBy(static shard => shard.Name, StringComparer.Ordinal));
}
