using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Sharding;

namespace ShardedCache.Tests.Sharding;

/// <summary>Both searches, because a processor uses only one of them. Hashes that no two names would have show the ties.</summary>
public class CandidatesTests
{
    [Fact]
    public void Both_searches_find_the_first_of_the_greatest_scores() => Prop.ForAll(
        Gen.Choose(1, 40).ToArbitrary(), Gen.Elements(1, 2, 5, 1000).ToArbitrary(), ArbMap.Default.ArbFor<int>(), (groups, different, seed) =>
        {
            var random = new Random(seed);
            var hashes = Enumerable.Range(0, groups * 4).Select(_ => Hash(random.Next(different))).ToArray();
            var keyHash = Hash(random.Next());
            var scores = hashes.Select(hash => Mix(keyHash ^ hash)).ToArray();
            var expected = Array.IndexOf(scores, scores.Max());

            return Candidates.Search(hashes, keyHash) == expected && Candidates.SearchVectors(hashes, keyHash) == expected;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_score_of_zero_is_a_score()
    {
        ulong[] hashes = [7, 7, 7, 7];

        Assert.Equal(0, Candidates.Search(hashes, 7));
        Assert.Equal(0, Candidates.SearchVectors(hashes, 7));
    }

    private static ulong Hash(int number) => (ulong)number * 0x9E3779B97F4A7C15;

    private static ulong Mix(ulong z)
    {
        z *= 0xBF58476D1CE4E5B9;
        return (z ^ (z >> 32)) * 0x94D049BB133111EB;
    }
}
