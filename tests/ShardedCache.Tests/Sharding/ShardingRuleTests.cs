using System.Text;
using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Connections;
using ShardedCache.Sharding;

namespace ShardedCache.Tests.Sharding;

public class ShardingRuleTests
{
    [Fact]
    public void The_order_of_the_list_never_matters() => Prop.ForAll(
        Gen.Choose(1, 40).ToArbitrary(), ArbMap.Default.ArbFor<int>(), ArbMap.Default.ArbFor<string>(), (count, seed, text) =>
        {
            var key = Encoding.UTF8.GetBytes(text ?? string.Empty);
            var random = new Random(seed);
            ShardName[] shards = [.. Shards.Named(count).Select(shard => shard with { Weight = random.Next(1, 4) })];
            var shuffled = shards.ToArray();
            random.Shuffle(shuffled);

            var rule = new ShardingRule(shards);
            var other = new ShardingRule(shuffled);

            return rule.Shards[rule.Route(key)] == other.Shards[other.Route(key)];
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_removed_shard_leaves_the_keys_of_the_others_where_they_are() => Prop.ForAll(
        Gen.Choose(2, 40).ToArbitrary(), ArbMap.Default.ArbFor<Guid>(), (count, key) =>
        {
            var bytes = key.ToByteArray();
            var full = new ShardingRule(Shards.Named(count));
            var owner = full.Shards[full.Route(bytes)];
            return full.Shards.Where(shard => shard != owner).All(removed =>
            {
                var rest = new ShardingRule([.. full.Shards.Where(shard => shard != removed)]);
                return rest.Shards[rest.Route(bytes)] == owner;
            });
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_greater_weight_only_draws_keys_to_its_shard()
    {
        var light = new ShardingRule(Shards.Parse("a", "b*2", "c"));
        var heavy = new ShardingRule(Shards.Parse("a", "b*3", "c"));

        for (var i = 0; i < 10_000; i++)
        {
            var key = Encoding.UTF8.GetBytes($"key:{i}");
            var before = light.Route(key);
            var after = heavy.Route(key);
            Assert.True(after == before || after == 1);
        }
    }

    [Fact]
    public void Keys_with_the_same_hash_tag_share_a_shard()
    {
        var rule = new ShardingRule(Shards.Named(64));

        var shards = Enumerable.Range(0, 200).Select(i => rule.Route(Encoding.UTF8.GetBytes($"app:{{user:42}}:{i}"))).Distinct();

        Assert.Equal([rule.Route("user:42"u8)], shards);
    }

    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("{user}:cart", "user")]
    [InlineData("{}", "{}")]
    [InlineData("{}{a}", "{}{a}")]
    [InlineData("a{b", "a{b")]
    [InlineData("}{x}", "x")]
    [InlineData("{{x}}", "{x")]
    [InlineData("{a}{b}", "a")]
    [InlineData("", "")]
    public void The_hash_tag_is_what_stands_between_the_first_brace_and_the_next_closing_one(string key, string routed) =>
        Assert.Equal(routed, Encoding.UTF8.GetString(HashTag.Of(Encoding.UTF8.GetBytes(key))));

    [Fact]
    public void A_rule_without_shards_is_refused() => Assert.Throws<ArgumentException>(() => new ShardingRule([]));

    [Theory]
    [InlineData("a", "a")]
    [InlineData("a", "a*2")]
    public void A_doubled_name_is_refused_by_its_name(string first, string second) =>
        Assert.Contains("'a'", Assert.Throws<ArgumentException>(() => new ShardingRule(Shards.Parse(first, second))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("", 1)]
    [InlineData(null, 1)]
    [InlineData("a#2", 1)]
    [InlineData("a", 0)]
    [InlineData("a", 65)]
    public void A_name_or_weight_out_of_bounds_is_refused(string? name, int weight) =>
        Assert.Throws<ArgumentException>(() => new ShardingRule([new ShardName(name!, weight)]));

    [Theory]
    [InlineData("shard-0", "shard-0", 1)]
    [InlineData("shard-0*1", "shard-0", 1)]
    [InlineData("[::1]:6379*64", "[::1]:6379", 64)]
    public void A_shard_is_read_from_its_name_and_weight(string text, string name, int weight)
    {
        Assert.True(ShardName.TryParse(text, out var shard));
        Assert.Equal(new ShardName(name, weight), shard);
    }

    [Theory]
    [InlineData("")]
    [InlineData("*2")]
    [InlineData("a*")]
    [InlineData("a*0")]
    [InlineData("a*65")]
    [InlineData("a*+2")]
    [InlineData("a*2*3")]
    [InlineData("a b")]
    [InlineData("é")]
    [InlineData("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    public void What_is_no_shard_is_not_read(string text) => Assert.False(ShardName.TryParse(text, out _));

    [Fact]
    public void Routing_allocates_nothing()
    {
        var rule = new ShardingRule(Shards.Named(16));
        var key = new StoredKey("app:"u8.ToArray(), "session:7f9c24e8-0000-4000-8000-000000000000");
        var longKey = new StoredKey([], new string('k', 4096));
        rule.Route(key);
        rule.Route(longKey);

        var allocated = Allocations.Of(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                rule.Route(key);
                rule.Route(longKey);
            }
        });

        Assert.Equal(0, allocated);
    }
}
