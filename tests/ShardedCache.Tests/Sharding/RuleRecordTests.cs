using System.Text;
using ShardedCache.Sharding;

namespace ShardedCache.Tests.Sharding;

public class RuleRecordTests
{
    private static readonly RuleRecord Two = Record("shard-0", "shard-1");
    private static readonly RuleRecord Three = Record("shard-0", "shard-1", "shard-2*2");

    [Fact]
    public void A_record_is_the_documented_text()
    {
        Assert.Equal("version=1\ncurrent=shard-0|shard-1|shard-2*2\n", Encoding.UTF8.GetString(Three.ToBytes()));
        Assert.Equal(
            "version=1\ncurrent=shard-0|shard-1|shard-2*2\nprevious=shard-0|shard-1\n",
            Encoding.UTF8.GetString((Three with { Previous = Two.Current }).ToBytes()));
        Assert.Equal("__shardedcache:rule", RuleRecord.Key);
    }

    [Fact]
    public void A_record_is_read_back_as_it_was_written()
    {
        var changing = Three with { Previous = Two.Current };

        Assert.True(RuleRecord.TryParse(changing.ToBytes(), out var read));
        Assert.Equal(changing, read);
    }

    [Fact]
    public void The_order_of_the_shards_does_not_matter_nor_a_weight_of_1_that_is_written_out()
    {
        Assert.Equal(Three, Record("shard-2*2", "shard-1", "shard-0"));
        Assert.True(RuleRecord.TryParse("version=1\ncurrent=shard-1*1|shard-0"u8, out var typed));
        Assert.Equal(Two, typed);
    }

    [Theory]
    [InlineData("current=shard-1|shard-0\r\nversion=1\r\n")]
    [InlineData("version=1\n\ncurrent=shard-1|shard-0")]
    public void A_record_that_an_operator_has_typed_is_read(string text)
    {
        Assert.True(RuleRecord.TryParse(Encoding.UTF8.GetBytes(text), out var record));
        Assert.Equal(Two, record);
    }

    [Theory]
    [InlineData("")]
    [InlineData("version=1")]
    [InlineData("current=a")]
    [InlineData("version=0\ncurrent=a")]
    [InlineData("version=x\ncurrent=a")]
    [InlineData("version=1\ncurrent=")]
    [InlineData("version=1\ncurrent=a|a")]
    [InlineData("version=1\ncurrent=a|a*2")]
    [InlineData("version=1\ncurrent=a||b")]
    [InlineData("version=1\ncurrent=a\ncurrent=b")]
    [InlineData("version=1\ncurrent=a\nreplaces=b")]
    [InlineData("version=1\ncurrent=a\nprevious=")]
    [InlineData("version=1 current=a")]
    [InlineData("=")]
    public void What_is_not_wholly_a_record_is_not_read(string text) => Assert.False(RuleRecord.TryParse(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void A_text_beyond_the_bound_is_not_read()
    {
        var text = "version=1\ncurrent=a" + new string('\n', RuleRecord.MaxBytes);

        Assert.False(RuleRecord.TryParse(Encoding.UTF8.GetBytes(text), out _));
        Assert.True(RuleRecord.TryParse(Encoding.UTF8.GetBytes(text[..RuleRecord.MaxBytes]), out _));
    }

    [Fact]
    public void The_current_rule_is_accepted_and_another_is_not()
    {
        Assert.True(Two.Accepts(Two));
        Assert.False(Two.Accepts(Three));
        Assert.False(Two.Accepts(Record("shard-0", "shard-1*2")));
        Assert.False((Two with { Version = 2 }).Accepts(Two));
    }

    [Fact]
    public void During_a_change_both_rules_are_accepted_and_no_third()
    {
        var changing = Three with { Previous = Two.Current };

        Assert.True(changing.Accepts(Two));
        Assert.True(changing.Accepts(Three));
        Assert.False(changing.Accepts(Record("shard-0")));
    }

    [Fact]
    public void A_record_describes_itself_in_one_line() => Assert.Equal(
        "version 1 over shard-0|shard-1|shard-2*2 (before: shard-0|shard-1)", (Three with { Previous = Two.Current }).ToString());

    private static RuleRecord Record(params string[] shards) => RuleRecord.ForRule(new ShardingRule(Shards.Parse(shards)));
}
