using ShardedCache.Connections;

namespace ShardedCache.Tests.Configuration;

public class CacheSettingsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void An_option_that_is_set_wins_over_the_connection_string_and_that_over_the_default()
    {
        const string Text = "s1,shards=a,operationTimeout=200,connectTimeout=300,instanceName=b,maximumPayloadBytes=10";

        var unset = CacheSettings.From(new() { Configuration = Text });
        var set = CacheSettings.From(new()
        {
            Configuration = Text,
            OperationTimeout = ShardedRedisCacheOptions.DefaultTimeout,
            InstanceName = string.Empty,
            MaximumPayloadBytes = 20,
        });

        Assert.Equal(TimeSpan.FromMilliseconds(200), unset.ShardConnection.OperationTimeout);
        Assert.Equal("b", unset.InstanceName);
        Assert.Equal(10, unset.MaximumPayloadBytes);
        Assert.Equal(64 * 1024 * 1024, unset.LocalTierSizeLimit);
        Assert.Equal(TimeSpan.FromSeconds(1), set.ShardConnection.OperationTimeout);
        Assert.Equal(TimeSpan.FromMilliseconds(300), set.SentinelConnection.ConnectTimeout);
        Assert.Empty(set.InstanceName);
        Assert.Equal(20, set.MaximumPayloadBytes);
    }

    [Fact]
    public async Task Shards_and_Sentinels_have_credentials_of_their_own()
    {
        var settings = CacheSettings.From(new() { Configuration = "s1,shards=a,user=u,password=p,sentinelPassword=q" });

        Assert.Equal(new Credentials("u", "p"), await settings.ShardConnection.Credentials(Cancellation));
        Assert.Equal(new Credentials(null, "q"), await settings.SentinelConnection.Credentials(Cancellation));
        Assert.Equal(ServerKind.Sentinel, settings.SentinelConnection.Kind);
        Assert.Equal(
            new Credentials(null, null),
            await CacheSettings.From(new() { Configuration = "s1,shards=a,user=u,password=p" }).SentinelConnection.Credentials(Cancellation));
    }

    [Fact]
    public async Task A_provider_is_asked_at_each_connect_and_wins_over_the_connection_string()
    {
        var asked = 0;
        var settings = CacheSettings.From(new()
        {
            Configuration = "s1,shards=a,password=old",
            CredentialsProvider = _ => new(new ShardedRedisCredentials("app", $"p{++asked}")),
            SentinelCredentialsProvider = _ => new(new ShardedRedisCredentials(null, "sentinel")),
        });

        Assert.Equal(new Credentials("app", "p1"), await settings.ShardConnection.Credentials(Cancellation));
        Assert.Equal(new Credentials("app", "p2"), await settings.ShardConnection.Credentials(Cancellation));
        Assert.Equal(new Credentials(null, "sentinel"), await settings.SentinelConnection.Credentials(Cancellation));
    }

    [Fact]
    public void Sentinels_use_TLS_as_the_shards_do_unless_told_otherwise()
    {
        var both = CacheSettings.From(new() { Configuration = "s1,shards=a,ssl=true,sslHost=h" });
        var shardsOnly = CacheSettings.From(new() { Configuration = "s1,shards=a,ssl=true,sentinelSsl=false" });

        Assert.Equal("h", both.ShardConnection.Tls!.TargetHost);
        Assert.NotNull(both.SentinelConnection.Tls);
        Assert.NotNull(shardsOnly.ShardConnection.Tls);
        Assert.Null(shardsOnly.SentinelConnection.Tls);
    }

    [Fact]
    public void Credentials_never_print_their_password()
    {
        Assert.Equal("app:***", new ShardedRedisCredentials("app", "secret").ToString());
        Assert.DoesNotContain("secret", CacheSettings.From(new() { Configuration = "s1,shards=a,password=secret" }).ToString(), StringComparison.Ordinal);
    }
}
