using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using ShardedCache.Sharding;

namespace ShardedCache.Tests.Sharding;

/// <summary>
/// The vectors were made with the reference implementation of XXH3 (libxxhash) and code that shares nothing with ours:
/// they are what every client of a farm has to agree with, so a vector is never changed to please a test.
/// </summary>
public class GoldenVectorTests
{
    private static readonly JsonElement Vectors =
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "sharding-rule-v1.json"))).RootElement;

    [Fact]
    public void Every_key_of_the_golden_vectors_goes_to_the_shard_that_they_name()
    {
        var wrong = new List<string>();
        var count = 0;
        foreach (var vector in Vectors.GetProperty("routes").EnumerateArray())
        {
            var rule = new ShardingRule(Shards.Parse(vector.GetProperty("shards").EnumerateArray().Select(static shard => shard.GetString()!)));
            var shard = rule.Shards[rule.Route(Encoding.UTF8.GetBytes(Key(vector)))].Name;
            if (shard != vector.GetProperty("shard").GetString())
            {
                wrong.Add($"{vector.GetProperty("key")}: {shard}");
            }

            count++;
        }

        Assert.Empty(wrong);
        Assert.True(count >= 50, $"{count} vectors");
    }

    [Fact]
    public void The_hashes_of_keys_and_names_are_those_of_the_golden_vectors()
    {
        foreach (var vector in Vectors.GetProperty("routes").EnumerateArray())
        {
            Assert.Equal(Number(vector, "hash"), XxHash3.HashToUInt64(HashTag.Of(Encoding.UTF8.GetBytes(Key(vector)))));
        }

        foreach (var vector in Vectors.GetProperty("names").EnumerateArray())
        {
            Assert.Equal(Number(vector, "hash"), XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(vector.GetProperty("name").GetString()!)));
        }
    }

    private static string Key(JsonElement vector)
    {
        var repeat = vector.TryGetProperty("repeat", out var times) ? times.GetInt32() : 1;
        return new StringBuilder().Insert(0, vector.GetProperty("key").GetString()!, repeat).ToString();
    }

    private static ulong Number(JsonElement vector, string name) =>
        ulong.Parse(vector.GetProperty(name).GetString()!.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
