using System.Text;
using ShardedCache.Sharding;

namespace ShardedCache.Tests.Sharding;

public class BalanceTests(MillionKeys keys) : IClassFixture<MillionKeys>
{
    /// <summary>The normal quantile of 1 - 0.001/20: there is one test for each size of a farm, and one of weights.</summary>
    private const double CriticalQuantile = 3.89;

    [Fact]
    public void A_million_keys_are_spread_evenly_over_2_to_64_shards()
    {
        var uneven = new List<string>();
        foreach (var (size, perShard) in keys.PerShard)
        {
            var quantile = Quantile(perShard, Enumerable.Repeat(MillionKeys.Count / (double)size, size));
            if (quantile > CriticalQuantile)
            {
                uneven.Add($"{size} shards: {quantile:0.00}");
            }
        }

        Assert.Equal(19, keys.PerShard.Count);
        Assert.Empty(uneven);
    }

    [Fact]
    public void An_added_shard_takes_its_share_of_the_keys_and_no_other_key_moves()
    {
        Assert.Equal(0, keys.Misplaced);
        foreach (var size in MillionKeys.FarmSizes.Where(static size => size is <= 16 or 32 or 64))
        {
            Assert.InRange(keys.Moved[size] * (double)size / MillionKeys.Count, 0.97, 1.03);
        }
    }

    [Fact]
    public void A_shard_gets_keys_in_proportion_to_its_weight()
    {
        const int Count = 200_000;
        int[] weights = [1, 2, 3, 10, 64];
        var rule = new ShardingRule([.. weights.Select((weight, i) => new ShardName($"shard-{i}", weight))]);
        var perShard = new long[weights.Length];
        for (var i = 0; i < Count; i++)
        {
            perShard[rule.Route(Encoding.UTF8.GetBytes($"product:{i}"))]++;
        }

        var expected = weights.Select(weight => Count * weight / (double)weights.Sum());
        Assert.InRange(Quantile(perShard, expected), double.NegativeInfinity, CriticalQuantile);
    }

    /// <summary>Chi-square as a quantile of the normal distribution (E. B. Wilson and M. M. Hilferty, 1931).</summary>
    private static double Quantile(IEnumerable<long> observed, IEnumerable<double> expected)
    {
        var terms = observed.Zip(expected, static (seen, mean) => (seen - mean) * (seen - mean) / mean).ToArray();
        var spread = 2.0 / (9 * (terms.Length - 1));
        return (Math.Cbrt(terms.Sum() / (terms.Length - 1)) - (1 - spread)) / Math.Sqrt(spread);
    }
}
