using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Connections;

namespace ShardedCache.Tests.Configuration;

public class ConnectionStringTests
{
    [Fact]
    public void The_example_of_the_design_is_read_whole()
    {
        var parsed = Valid(
            "10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379,shards=shard-{0..7},user=app,password=secret,"
            + "sentinelUser=watcher,sentinelPassword=other,ssl=true");

        Assert.Equal([new("10.0.0.1", 26379), new("10.0.0.2", 26379), new("10.0.0.3", 26379)], parsed.Sentinels);
        Assert.Equal(Enumerable.Range(0, 8).Select(i => new ConfiguredShard($"shard-{i}")), parsed.Shards);
        Assert.Equal(new Credentials("app", "secret"), parsed.Credentials);
        Assert.Equal(new Credentials("watcher", "other"), parsed.SentinelCredentials);
        Assert.True(parsed.Ssl);
        Assert.True(parsed.SentinelSsl);
    }

    [Fact]
    public void Every_other_key_is_read()
    {
        var parsed = Valid(
            "s1,shards=a,sslHost=redis.example,name=web,instanceName=shop:,operationTimeout=250,connectTimeout=00:00:02.5,"
            + "maximumPayloadBytes=1024,localTierSizeLimit=5000000000,sentinelSsl=true");

        Assert.Equal("redis.example", parsed.SslHost);
        Assert.Equal("web", parsed.ClientName);
        Assert.Equal("shop:", parsed.InstanceName);
        Assert.Equal(TimeSpan.FromMilliseconds(250), parsed.OperationTimeout);
        Assert.Equal(TimeSpan.FromSeconds(2.5), parsed.ConnectTimeout);
        Assert.Equal(1024, parsed.MaximumPayloadBytes);
        Assert.Equal(5_000_000_000, parsed.LocalTierSizeLimit);
        Assert.False(parsed.Ssl);
        Assert.True(parsed.SentinelSsl);
    }

    [Theory]
    [InlineData("s1,shards=a", "s1:26379")]
    [InlineData("s1:5000,[::1]:5001,fe80::1,shards=a", "s1:5000 [::1]:5001 [fe80::1]:26379")]
    [InlineData(" s1 , s2 ,, shards = a ,", "s1:26379 s2:26379")]
    public void Sentinels_have_port_26379_unless_another_is_given(string text, string expected)
    {
        Assert.Equal(expected, string.Join(' ', Valid(text).Sentinels));
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1:6379")]
    [InlineData("Redis-A.Example:7001,redis-b", "redis-a.example:7001 redis-b:6379")]
    [InlineData("::1,[FE80::1]:7000", "[::1]:6379 [fe80::1]:7000")]
    public void Without_shards_each_end_point_is_a_shard_named_by_itself_in_lower_case_with_its_port(string text, string expected)
    {
        var parsed = Valid(text);

        Assert.Empty(parsed.Sentinels);
        Assert.Equal(expected, string.Join(' ', parsed.Shards.Select(shard => shard.Name)));
        Assert.All(parsed.Shards, shard => Assert.Equal(shard.Name, shard.FixedAddress?.ToString().ToLowerInvariant()));
    }

    [Theory]
    [InlineData("a", "a*1")]
    [InlineData("a|b|c", "a*1 b*1 c*1")]
    [InlineData("a | b*2 |", "a*1 b*2")]
    [InlineData("s{0..2}", "s0*1 s1*1 s2*1")]
    [InlineData("s{9..11}x", "s9x*1 s10x*1 s11x*1")]
    [InlineData("s{08..11}", "s08*1 s09*1 s10*1 s11*1")]
    [InlineData("m{1..2}-{0..1}*3|spare", "m1-0*3 m1-1*3 m2-0*3 m2-1*3 spare*1")]
    [InlineData("s{5..5}*64", "s5*64")]
    public void Shard_names_expand_their_ranges_and_carry_their_weight(string list, string expected)
    {
        Assert.Equal(expected, string.Join(' ', Valid("s1,shards=" + list).Shards.Select(shard => $"{shard.Name}*{shard.Weight}")));
    }

    [Fact]
    public void A_fixed_end_point_can_have_a_weight()
    {
        Assert.Equal([("a:6379", 2), ("[::1]:7000", 64)], Valid("a*2,[::1]:7000*64").Shards.Select(shard => (shard.Name, shard.Weight)));
    }

    [Fact]
    public void A_password_may_hold_equals_signs_and_keys_have_no_case()
    {
        var parsed = Valid("s1,SHARDS=a,PassWord=a=b==,SentinelPassword==c");

        Assert.Equal("a=b==", parsed.Credentials.Password);
        Assert.Equal("=c", parsed.SentinelCredentials.Password);
    }

    [Fact]
    public void The_service_name_is_a_single_shard()
    {
        Assert.Equal([new ConfiguredShard("mymaster")], Valid("s1,serviceName=mymaster").Shards);
    }

    [Theory]
    [InlineData("", "no end point is given; give '10.0.0.1:26379")]
    [InlineData("shards=a", "no end point is given; list the Sentinels")]
    [InlineData("s1,shards=", "'shards' names no shard")]
    [InlineData("s1,shards= | ", "'shards' names no shard")]
    [InlineData("s1,serviceName=", "'serviceName' names no shard")]
    [InlineData("s1,serviceName=a|b", "'serviceName' names one shard; use 'shards'")]
    [InlineData("s1,serviceName=a,shards=a", "both given")]
    [InlineData("s1,shards=a|b|a", "shard 'a' is given twice")]
    [InlineData("s1,shards=s{0..3}|s3", "shard 's3' is given twice")]
    [InlineData("s1,shards=a b", "'a b' is not a shard name")]
    [InlineData("s1,shards=größe", "'größe' is not a shard name")]
    [InlineData("s1,shards=*2", "'' is not a shard name")]
    [InlineData("s1,shards=a*0", "'a*0' has a weight that is not one")]
    [InlineData("s1,shards=a*65", "'a*65' has a weight that is not one")]
    [InlineData("s1,shards=a*x", "'a*x' has a weight that is not one")]
    [InlineData("s1,shards=s{7..0}", "'s{7..0}' holds a range that is not one")]
    [InlineData("s1,shards=s{0..", "'s{0..' holds a range")]
    [InlineData("s1,shards=s{0}", "'s{0}' holds a range")]
    [InlineData("s1,shards=s{-1..2}", "'s{-1..2}' holds a range")]
    [InlineData("s1,shards=s{0..2147483647}", "at most 1024 shards")]
    [InlineData("s1,shards=s{0..999}{0..999}{0..999}", "at most 1024 shards")]
    [InlineData("s1,shards=s{0..999}|t{0..999}", "2000 shards; 1024 is the most")]
    [InlineData("s1,s2,S1:26379,shards=a", "Sentinel S1:26379 is given twice")]
    [InlineData("a,A:6379", "shard 'a:6379' is given twice")]
    [InlineData("a:0", "'a:0' is not an end point; give host, host:port or [IPv6]:port")]
    [InlineData("a:65536", "is not an end point")]
    [InlineData("redis-0.redis-headless.production.svc.cluster.local,redis-1.a-much-longer-headless-name.production.svc.cluster.local", "is too long: a fixed end point names its shard")]
    [InlineData("s1,a b:1,shards=a", "'a…' is not an end point")]
    [InlineData("s1,password:hidden,shards=a", "'password…' is not an end point")]
    [InlineData("s1,password hidden,shards=a", "'password…' is not an end point")]
    [InlineData("a*0", "'a*0' has a weight that is not one")]
    [InlineData("redis://10.0.0.1:6379", "part 1 looks like a URL; write host:port, and 'user=' and 'password='")]
    [InlineData("s1,shards=a,user=a@b,password=c://d@e,ssl=x", "'ssl=…' is not a value for 'ssl'")]
    [InlineData("s1,shard=a", "unknown key 'shard': did you mean 'shards'?")]
    [InlineData("s1,shards=a,passwrd=x", "unknown key 'passwrd': did you mean 'password'?")]
    [InlineData("s1,shards=a,frobnicate=x", "unknown key 'frobnicate': known are shards, serviceName")]
    [InlineData("s1,shards=a,syncTimeout=1", "unknown key 'syncTimeout': use 'operationTimeout'.")]
    [InlineData("s1,shards=a,abortConnect=false", "unknown key 'abortConnect': leave it out: start-up never waits")]
    [InlineData("s1,shards=a,=x", "unknown key ''")]
    [InlineData("s1,shards=a,ssl=yes", "'ssl=yes' is not a value for 'ssl'; give true or false.")]
    [InlineData("s1,shards=a,operationTimeout=soon", "'operationTimeout=soon' is not a value for 'operationTimeout'; give milliseconds (1000)")]
    [InlineData("s1,shards=a,operationTimeout=-1", "'operationTimeout=-1' is not a value")]
    [InlineData("s1,shards=a,maximumPayloadBytes=8MB", "give a whole number of bytes")]
    [InlineData("s1,shards=a,SSL=true,ssl=true", "'ssl' is given twice; give it once.")]
    public void A_fault_says_what_is_wrong_and_what_to_do(string text, string expected)
    {
        Assert.Contains(expected, Assert.Single(ConnectionString.Parse(text).Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_are_found_in_one_reading()
    {
        var faults = ConnectionString.Parse("s1,s1,a b,shards=x|x|ö|y*0,ssl=maybe,wrong=1,name=a,name=b").Faults;

        Assert.Equal(8, faults.Count);
    }

    [Theory]
    [InlineData("s1,shards=a,password=tip,top")]
    [InlineData("s1,shards=a,password=tip,top=x")]
    [InlineData("s1,shards=a,password=x,ssl=top")]
    [InlineData("s1,password=x,shards=top|top")]
    [InlineData("s1,password=x,shards=top*top")]
    [InlineData("s1,password=x,serviceName={top")]
    [InlineData("s1,shards=a,password=top,password=top")]
    [InlineData("s1,shards=a,sentinelPassword=tip,top,user=a")]
    [InlineData("s1,shards=a,password=tip,top:99999")]
    [InlineData("s1,shards=a,pasword=tip,top=x")]
    [InlineData("redis:6379,passwort=tip,top")]
    [InlineData("redis://user:top@host:6379")]
    [InlineData("redis://user:tip=top@host:6379,ssl=true")]
    [InlineData("redis://user:tip,top,tap@host:6379")]
    [InlineData("user:top@host,shards=a")]
    public void Nothing_behind_a_password_is_ever_shown(string text)
    {
        var parsed = ConnectionString.Parse(text);

        Assert.NotEmpty(parsed.Faults);
        Assert.All(parsed.Faults, fault => Assert.DoesNotContain("top", fault, StringComparison.Ordinal));
        Assert.DoesNotContain("top", parsed.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_password_with_a_comma_is_pointed_to_the_credentials_provider()
    {
        var fault = Assert.Single(ConnectionString.Parse("s1,shards=a,password=one,two").Faults);

        Assert.Contains("part 4 ", fault, StringComparison.Ordinal);
        Assert.Contains("CredentialsProvider", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_text_at_all_is_parsed_without_an_exception()
    {
        string[] pieces = [",", "=", "|", "{", "}", "..", "*", "[", "]", ":", "shards", "password", "0", "9999999999", "a", " ", "\ud800", "ssl", "\0"];
        var texts = Gen.Elements(pieces).ListOf().Select(string.Concat).ToArbitrary();

        Prop.ForAll(texts, text =>
        {
            var parsed = ConnectionString.Parse(text);
            return parsed.Faults.Count > 0 || parsed.Shards.Count > 0;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
        Assert.NotEmpty(ConnectionString.Parse(null).Faults);
    }

    private static ConnectionString Valid(string text)
    {
        var parsed = ConnectionString.Parse(text);
        Assert.Empty(parsed.Faults);
        return parsed;
    }
}
