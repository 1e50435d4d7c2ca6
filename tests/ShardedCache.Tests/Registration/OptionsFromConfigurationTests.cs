using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using ShardedCache.Registration;
using static ShardedCache.Tests.Registration.RegistrationTests;

namespace ShardedCache.Tests.Registration;

public class OptionsFromConfigurationTests
{
    [Fact]
    public void Every_option_of_simple_type_can_be_configured()
    {
        using var services = Development(
            ("ShardedRedis:Configuration", "s1,shards=a"),
            ("ShardedRedis:InstanceName", "shop:"),
            ("ShardedRedis:OperationTimeout", "00:00:00.5"),
            ("ShardedRedis:ConnectTimeout", "700"),
            ("ShardedRedis:MaximumPayloadBytes", "1000"),
            ("ShardedRedis:Transport", "resp"),
            ("shardedredis:localtiersizelimit", "2000000")).AddShardedRedisCache().BuildServiceProvider();

        var options = Options(services);

        Assert.Equal("s1,shards=a", options.Configuration);
        Assert.Equal("shop:", options.InstanceName);
        Assert.Equal(TimeSpan.FromSeconds(0.5), options.OperationTimeout);
        Assert.Equal(TimeSpan.FromSeconds(0.7), options.ConnectTimeout);
        Assert.Equal(1000, options.MaximumPayloadBytes);
        Assert.Equal(ShardTransport.Resp, options.Transport);
        Assert.Equal(2_000_000, options.LocalTierSizeLimit);
    }

    [Fact]
    public void The_connection_string_is_ShardedRedis_unless_another_is_given()
    {
        using var services = Development(
                ("ConnectionStrings:ShardedRedis", "s1,shards=a"),
                ("ShardedRedis:orders:Configuration", "s2,shards=b"))
            .AddShardedRedisCache()
            .AddKeyedShardedRedisCache("orders")
            .AddKeyedShardedRedisCache("users", options => options.InstanceName = "users:")
            .AddKeyedShardedRedisCache("code", options => options.Configuration = "s3,shards=c")
            .BuildServiceProvider();

        Assert.Equal("s1,shards=a", Options(services).Configuration);
        Assert.Equal("s2,shards=b", Options(services, "orders").Configuration);
        Assert.Equal("s1,shards=a", Options(services, "users").Configuration);
        Assert.Equal("s3,shards=c", Options(services, "code").Configuration);
    }

    [Fact]
    public void Code_wins_over_a_given_section_and_that_over_the_default_section()
    {
        var services = Development(
            ("ShardedRedis:InstanceName", "default:"), ("ShardedRedis:MaximumPayloadBytes", "1"), ("ShardedRedis:LocalTierSizeLimit", "3000000"),
            ("Other:InstanceName", "other:"), ("Other:MaximumPayloadBytes", "2"));
        var configuration = services.BuildServiceProvider().GetRequiredService<IConfiguration>();
        using var provider = services
            .AddShardedRedisCache(configuration.GetSection("Other"))
            .AddShardedRedisCache(options => options.MaximumPayloadBytes = 3)
            .AddKeyedShardedRedisCache("keyed", configuration.GetSection("Other"))
            .BuildServiceProvider();

        var options = Options(provider);

        Assert.Equal("other:", options.InstanceName);
        Assert.Equal(3, options.MaximumPayloadBytes);
        Assert.Equal(3_000_000, options.LocalTierSizeLimit);
        Assert.Equal(2, Options(provider, "keyed").MaximumPayloadBytes);
        Assert.Equal(ShardedRedisCacheOptions.DefaultLocalTierSizeLimit, Options(provider, "keyed").LocalTierSizeLimit);
    }

    [Fact]
    public void Unknown_names_and_bad_values_are_reported_together_with_every_other_fault()
    {
        using var services = Development(
            ("ShardedRedis:Configuration", "s1,shards=a|a"),
            ("ShardedRedis:InstanceNam", "shop:"),
            ("ShardedRedis:OperationTimeout", "soon"),
            ("ShardedRedis:MaximumPayloadBytes", "8 MiB"),
            ("ShardedRedis:LocalTierSizeLimit", "1"),
            ("ShardedRedis:orders:Nonsense", "not ours")).AddShardedRedisCache().BuildServiceProvider();

        var faults = Assert.Throws<OptionsValidationException>(services.GetRequiredService<IShardedCache>).Failures.ToList();

        Assert.Equal(5, faults.Count);
        Assert.Contains(faults, fault => fault.Contains("InstanceNam: 'ShardedRedis:InstanceNam'", StringComparison.Ordinal)
            && fault.Contains("did you mean 'InstanceName'?", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("OperationTimeout: 'soon' in 'ShardedRedis:OperationTimeout'", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("MaximumPayloadBytes: '8 MiB'", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("LocalTierSizeLimit: 1 bytes is out of range", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("shard 'a' is given twice", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null, "Caches:Mian")]
    [InlineData("orders", "Caches:Mian")]
    [InlineData(null, "ConnectionStrings:ShardedRedis")]
    [InlineData(null, "Caches")]
    public void A_section_that_has_nothing_to_bind_is_a_fault_that_tells_its_path(string? serviceKey, string path)
    {
        var services = Development(("ConnectionStrings:ShardedRedis", "s1,shards=a"), ("Caches:Main:InstanceName", "shop:"));
        var section = services.BuildServiceProvider().GetRequiredService<IConfiguration>().GetSection(path);
        using var provider = (serviceKey is null ? services.AddShardedRedisCache(section) : services.AddKeyedShardedRedisCache(serviceKey, section))
            .BuildServiceProvider();

        var fault = Assert.Single(Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate()).Failures);

        Assert.Contains($"'{path}'", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nothing_at_all_is_configured_in_Development_a_section_that_does_not_exist_is_none()
    {
        var services = Development();
        var section = services.BuildServiceProvider().GetRequiredService<IConfiguration>().GetSection("Caches:Main");
        await using var provider = services.AddShardedRedisCache(section).BuildServiceProvider();

        Assert.IsType<LocalMemoryCache>(provider.GetRequiredService<IShardedCache>());
    }

    [Theory]
    [InlineData("ConnectionStrings:ShardedRedis")]
    [InlineData("ShardedRedis:Configuration")]
    public void Credentials_changed_in_the_configuration_are_used_by_the_next_connection(string key)
    {
        var services = Development((key, "s1,shards=a,password=first")).AddShardedRedisCache();
        using var provider = services.BuildServiceProvider();
        var factory = provider.GetRequiredService<IOptionsFactory<ShardedRedisCacheOptions>>();
        var configuration = (IConfigurationRoot)provider.GetRequiredService<IConfiguration>();
        var time = new FakeTimeProvider();
        var latest = new LatestConnectionString(factory, "", Options(provider), time);

        Assert.Equal("first", latest.Read().Credentials.Password);
        Change("s1,shards=a,password=second");
        Assert.Equal("second", latest.Read().Credentials.Password);
        Change("s1,shards=a,password=a,b");
        Assert.Equal("second", latest.Read().Credentials.Password);
        Change("s1,shards=a,password=third");
        Assert.Equal("third", latest.Read().Credentials.Password);

        void Change(string text)
        {
            configuration[key] = text;
            configuration.Reload();
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public void However_many_connections_are_opened_the_application_s_own_delegates_are_not_called_all_the_time()
    {
        var calls = 0;
        using var provider = Development(("ConnectionStrings:ShardedRedis", "s1,shards=a"))
            .AddShardedRedisCache(options => options.Configuration = $"s1,shards=a,password={++calls}").BuildServiceProvider();
        var time = new FakeTimeProvider();
        var latest = new LatestConnectionString(
            provider.GetRequiredService<IOptionsFactory<ShardedRedisCacheOptions>>(), "", Options(provider), time);
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(["2", "2", "2"], Enumerable.Range(0, 3).Select(_ => latest.Read().Credentials.Password));
        Assert.Equal(2, calls);

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("3", latest.Read().Credentials.Password);
    }

    [Fact]
    public void A_delegate_that_takes_long_is_called_once_for_all_who_have_waited_for_it()
    {
        var (calls, time) = (0, new FakeTimeProvider());
        using var provider = Development(("ConnectionStrings:ShardedRedis", "s1,shards=a"))
            .AddShardedRedisCache(options =>
            {
                time.Advance(TimeSpan.FromSeconds(2));
                options.Configuration = $"s1,shards=a,password={++calls}";
            }).BuildServiceProvider();
        var latest = new LatestConnectionString(
            provider.GetRequiredService<IOptionsFactory<ShardedRedisCacheOptions>>(), "", Options(provider), time);

        Assert.Equal(["2", "2", "2"], Enumerable.Range(0, 3).Select(_ => latest.Read().Credentials.Password));
    }

    [Theory]
    [InlineData(null, "shardedRedis")]
    [InlineData("orders", "ShardedRedis:orders")]
    public void The_section_that_is_read_in_any_case_may_be_given_and_left_out(string? serviceKey, string path)
    {
        var services = Development(("ConnectionStrings:ShardedRedis", "s1,shards=a"));
        var section = services.BuildServiceProvider().GetRequiredService<IConfiguration>().GetSection(path);
        using var provider = (serviceKey is null ? services.AddShardedRedisCache(section) : services.AddKeyedShardedRedisCache(serviceKey, section))
            .BuildServiceProvider();

        provider.GetRequiredService<IStartupValidator>().Validate();
    }
}
