using System.Text;
using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Connections;
using ShardedCache.Sharding;

namespace ShardedCache.Tests.Sharding;

public class KeyEncodingTests
{
    [Theory]
    [InlineData("", "k")]
    [InlineData("app:", "session:1")]
    [InlineData("é:", "日本語 😀")]
    public void A_key_is_the_prefix_and_then_the_name_in_UTF8(string prefix, string name)
    {
        var key = new StoredKey(Encoding.UTF8.GetBytes(prefix), name);
        var buffer = new byte[KeyEncoding.MaxLength(key)];

        var length = KeyEncoding.Encode(key, buffer);

        Assert.Equal(prefix + name, Encoding.UTF8.GetString(buffer, 0, length));
    }

    [Fact]
    public void A_key_routes_as_its_bytes_do_at_every_length() => Prop.ForAll(
        Gen.Choose(1, 700).ToArbitrary(), Gen.Elements('a', 'é', '本', '{', '}').ToArbitrary(), (length, character) =>
        {
            var rule = new ShardingRule(Shards.Named(16));
            var name = new string(character, length);
            return rule.Route(new StoredKey("p:"u8.ToArray(), name)) == rule.Route(Encoding.UTF8.GetBytes("p:" + name));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Half_of_a_surrogate_pair_is_refused_with_advice_and_without_the_key()
    {
        // Not as InlineData: an attribute's strings are stored as UTF-8, which has no halves either.
        foreach (var name in (string[])["\ud800", "secret\udc00", "secret\ud800x", "\udc00\ud800"])
        {
            var error = Assert.Throws<ArgumentException>(() => new ShardingRule(Shards.Named(2)).Route(new StoredKey([], name)));

            Assert.Contains("surrogate", error.Message, StringComparison.Ordinal);
            Assert.Contains("Base64", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData('k', 0)]
    [InlineData('k', (64 * 1024) + 1)]
    [InlineData('本', 30_000)]
    [InlineData('k', 1024 * 1024)]
    public void An_empty_key_and_one_of_more_than_64_KiB_are_refused(char character, int length) =>
        Assert.Throws<ArgumentException>(() => new ShardingRule(Shards.Named(2)).Route(new StoredKey([], new string(character, length))));

    [Theory]
    [InlineData("", "__shardedcache:rule")]
    [InlineData("__sharded", "cache:x")]
    [InlineData("__shardedcache:", "x")]
    [InlineData("app:", "__shardedcache:group:{a}")]
    public void The_reserved_prefix_is_refused_however_it_comes_about(string prefix, string name) => Assert.Contains(
        "reserved",
        Assert.Throws<ArgumentException>(() => new ShardingRule(Shards.Named(1)).Route(new StoredKey(Encoding.UTF8.GetBytes(prefix), name))).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("", "__SHARDEDCACHE:rule")]
    [InlineData("", "__shardedcache")]
    public void What_only_resembles_the_reserved_prefix_is_a_key(string prefix, string name) =>
        Assert.Equal(0, new ShardingRule(Shards.Named(1)).Route(new StoredKey(Encoding.UTF8.GetBytes(prefix), name)));
}
