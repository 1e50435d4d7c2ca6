using System.Globalization;
using ShardedCache.Sharding;

namespace ShardedCache;

/// <summary>
/// Reads <c>shard-{0..7}|big*2</c>: names joined by <c>|</c>, each with any number of ranges <c>{a..b}</c> (both ends
/// included; a leading zero keeps the width, <c>{00..07}</c>) and an optional weight <c>*w</c> for all that it expands to.
/// </summary>
internal static class ShardList
{
    public const int MostShards = 1024;

    public static List<ConfiguredShard> Parse(string text, string key, Func<string, string> show, List<string> faults)
    {
        var shards = new List<ConfiguredShard>();
        foreach (var item in text.Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TrySplitWeight(item, out var pattern, out var weight))
            {
                faults.Add(BadWeight(show(item)));
                continue;
            }

            var names = new List<string>();
            if (!TryExpand(pattern, names))
            {
                faults.Add($"'{show(item)}' holds a range that is not one; write {{0..7}}, the lower end first, and at most {MostShards} shards in all.");
                continue;
            }

            foreach (var name in names)
            {
                Add(shards, new ConfiguredShard(name, weight), show, faults);
            }
        }

        if (text.AsSpan().Trim(" |").IsEmpty)
        {
            faults.Add($"'{key}' names no shard; give the masters' names as the Sentinels know them, as '{key}=shard-0'.");
        }
        else if (shards.Count > MostShards)
        {
            faults.Add($"'{key}' names {shards.Count} shards; {MostShards} is the most.");
        }

        return shards;
    }

    public static void Add(List<ConfiguredShard> shards, ConfiguredShard shard, Func<string, string> show, List<string> faults)
    {
        if (!ShardName.IsValidName(shard.Name))
        {
            faults.Add($"'{show(shard.Name)}' is not a shard name; use 1 to {ShardName.MaxLength} letters, digits or any of . _ : [ ] -");
        }
        else if (shards.Exists(other => other.Name == shard.Name))
        {
            faults.Add($"shard '{show(shard.Name)}' is given twice; list each shard once, with a weight (name*2) to give it more keys.");
        }
        else
        {
            shards.Add(shard);
        }
    }

    public static bool TrySplitWeight(string item, out string rest, out int weight)
    {
        weight = 1;
        var star = item.LastIndexOf('*');
        rest = star < 0 ? item : item[..star];
        return star < 0
            || (int.TryParse(item.AsSpan(star + 1), NumberStyles.None, CultureInfo.InvariantCulture, out weight) && weight is >= 1 and <= ShardName.MaxWeight);
    }

    public static string BadWeight(string item) => $"'{item}' has a weight that is not one; write name*2, with a whole number from 1 to {ShardName.MaxWeight}.";

    private static bool TryExpand(string pattern, List<string> names)
    {
        var open = pattern.IndexOf('{');
        if (open < 0)
        {
            names.Add(pattern);
            return true;
        }

        var close = pattern.IndexOf('}', open);
        var ends = close < 0 ? [] : pattern[(open + 1)..close].Split("..");
        if (ends.Length != 2 || !TryReadEnd(ends[0], out var first) || !TryReadEnd(ends[1], out var last) || last < first || last - first >= MostShards)
        {
            return false;
        }

        var width = ends[0].StartsWith('0') && ends[0].Length > 1 ? ends[0].Length : 1;
        for (var i = first; i <= last; i++)
        {
            var digits = i.ToString(CultureInfo.InvariantCulture).PadLeft(width, '0');
            if (names.Count > MostShards || !TryExpand(pattern[..open] + digits + pattern[(close + 1)..], names))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryReadEnd(string text, out int end) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out end);
}
