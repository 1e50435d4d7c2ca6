using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Options;

namespace ShardedCache.Tests.Configuration;

public class ShardedRedisCacheOptionsValidatorTests
{
    [Fact]
    public void Options_with_a_connection_string_alone_are_valid()
    {
        Assert.True(Validate(new() { Configuration = "s1,shards=a" }).Succeeded);
    }

    [Fact]
    public void Without_a_connection_string_the_fault_shows_what_to_configure()
    {
        var fault = Assert.Single(Validate(new()).Failures!);

        Assert.Contains("ConnectionStrings:ShardedRedis", fault, StringComparison.Ordinal);
        Assert.Contains("shards=shard-{0..7}", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("  ")]
    public void Where_memory_may_serve_no_connection_string_is_needed(string? configuration)
    {
        Assert.True(new ShardedRedisCacheOptionsValidator(allowsLocalMemory: true).Validate(null, new() { Configuration = configuration }).Succeeded);
    }

    [Fact]
    public void All_faults_are_reported_together_each_with_its_option()
    {
        var options = new ShardedRedisCacheOptions
        {
            Configuration = "s1,s1,shards=a|a,colour=red",
            InstanceName = "__shardedcache:{\ud800",
            OperationTimeout = TimeSpan.Zero,
            ConnectTimeout = TimeSpan.FromHours(1),
            MaximumPayloadBytes = 0,
            LocalTierSizeLimit = -1,
            ConnectionMultiplexerFactory = _ => throw new InvalidOperationException(),
        };
        options.BindingFaults.Add("Colour: unknown.");

        var faults = Validate(options, "orders").Failures!.ToList();

        Assert.Equal(
            [
                "Colour", "Configuration", "Configuration", "Configuration", "ConnectionMultiplexerFactory", "InstanceName", "InstanceName", "InstanceName",
                "OperationTimeout", "ConnectTimeout", "MaximumPayloadBytes", "LocalTierSizeLimit",
            ],
            faults.Select(fault => fault["ShardedRedisCacheOptions ('orders').".Length..fault.IndexOf(':', StringComparison.Ordinal)]));
    }

    [Theory]
    [InlineData("a:6379", "ClientCertificate ServerCertificateValidation SentinelCredentialsProvider")]
    [InlineData("s1,shards=a", "ClientCertificate ServerCertificateValidation")]
    [InlineData("a:6379,ssl=true", "SentinelCredentialsProvider")]
    [InlineData("s1,shards=a,sentinelSsl=true", "")]
    public void An_option_that_would_have_no_effect_is_a_fault(string configuration, string faults)
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=a", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        var options = new ShardedRedisCacheOptions
        {
            Configuration = configuration,
            ClientCertificate = certificate,
            ServerCertificateValidation = static (_, _, _, _) => true,
            SentinelCredentialsProvider = static _ => throw new InvalidOperationException(),
        };

        var found = (Validate(options).Failures ?? []).Select(static fault => fault.Split('.', ':')[1]).Order();

        Assert.Equal(faults.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), found);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("}")]
    [InlineData("__shardedcache:x")]
    public void A_bad_instance_name_is_found_in_the_connection_string_too(string instanceName)
    {
        var fault = Assert.Single(Validate(new() { Configuration = "s1,shards=a,instanceName=" + instanceName }).Failures!);

        Assert.StartsWith("ShardedRedisCacheOptions.InstanceName: ", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void An_instance_name_has_at_most_1024_bytes()
    {
        Assert.True(Validate(new() { Configuration = "a", InstanceName = new string('ä', 512) }).Succeeded);
        Assert.False(Validate(new() { Configuration = "a", InstanceName = new string('ä', 512) + "b" }).Succeeded);
    }

    [Theory]
    [InlineData("50", true)]
    [InlineData("49", false)]
    [InlineData("60000", true)]
    [InlineData("60001", false)]
    public void Time_outs_are_bounded(string milliseconds, bool valid)
    {
        Assert.Equal(valid, Validate(new() { Configuration = "s1,shards=a,operationTimeout=" + milliseconds }).Succeeded);
        Assert.Equal(valid, Validate(new() { Configuration = "s1,shards=a,connectTimeout=" + milliseconds }).Succeeded);
    }

    [Theory]
    [InlineData("maximumPayloadBytes", 1, 536870886)]
    [InlineData("localTierSizeLimit", 1048576, long.MaxValue)]
    public void Sizes_are_bounded(string key, long smallest, long largest)
    {
        Assert.True(Validate(new() { Configuration = $"s1,shards=a,{key}={smallest}" }).Succeeded);
        Assert.True(Validate(new() { Configuration = $"s1,shards=a,{key}={largest}" }).Succeeded);
        Assert.False(Validate(new() { Configuration = $"s1,shards=a,{key}={smallest - 1}" }).Succeeded);
        if (largest < long.MaxValue)
        {
            Assert.False(Validate(new() { Configuration = $"s1,shards=a,{key}={largest + 1}" }).Succeeded);
        }
    }

    [Fact]
    public void A_supplied_multiplexer_goes_with_fixed_end_points_only()
    {
        var options = new ShardedRedisCacheOptions { Configuration = "a,b", ConnectionMultiplexerFactory = _ => throw new InvalidOperationException() };

        Assert.True(Validate(options).Succeeded);
        options.Configuration = "a,b,shards=x";
        Assert.False(Validate(options).Succeeded);
    }

    [Fact]
    public void What_belongs_to_StackExchange_Redis_is_refused_with_another_transport()
    {
        var options = new ShardedRedisCacheOptions
        {
            Configuration = "a,transport=resp",
            ConnectionMultiplexerFactory = _ => throw new InvalidOperationException(),
            ConfigureStackExchangeRedis = _ => { },
        };

        var faults = Validate(options).Failures!.ToList();
        Assert.Equal(2, faults.Count);
        Assert.All(faults, fault => Assert.Contains("Transport Resp", fault, StringComparison.Ordinal));

        options.Transport = ShardTransport.StackExchangeRedis;
        Assert.True(Validate(options).Succeeded);
    }

    [Theory]
    [InlineData("resp", true)]
    [InlineData("StackExchangeRedis", true)]
    [InlineData("1", false)]
    [InlineData("resp2", false)]
    public void A_transport_is_given_by_its_name(string name, bool valid)
    {
        Assert.Equal(valid, Validate(new() { Configuration = "a,transport=" + name }).Succeeded);
        Assert.False(Validate(new() { Configuration = "a", Transport = (ShardTransport)7 }).Succeeded);
    }

    private static ValidateOptionsResult Validate(ShardedRedisCacheOptions options, string? name = null) =>
        new ShardedRedisCacheOptionsValidator(allowsLocalMemory: false).Validate(name, options);
}
