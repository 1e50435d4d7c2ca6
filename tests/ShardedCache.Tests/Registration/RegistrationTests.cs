using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ShardedCache.Tests.Registration;

public class RegistrationTests
{
    [Fact]
    public async Task One_singleton_stands_behind_both_services()
    {
        await using var services = Development().AddShardedRedisCache().BuildServiceProvider();

        var cache = services.GetRequiredService<IShardedCache>();

        Assert.Same(cache, services.GetRequiredService<IDistributedCache>());
        using var scope = services.CreateScope();
        Assert.Same(cache, scope.ServiceProvider.GetRequiredService<IDistributedCache>());
    }

    [Fact]
    public async Task The_last_registration_of_a_distributed_cache_wins()
    {
        var other = new LocalMemoryCache(CacheSettings.From(new()), TimeProvider.System);
        await using var oursLast = Development().AddSingleton<IDistributedCache>(other).AddShardedRedisCache().BuildServiceProvider();
        await using var otherLast = Development().AddShardedRedisCache().AddSingleton<IDistributedCache>(other).BuildServiceProvider();
        await using var between = Development()
            .AddShardedRedisCache().AddSingleton<IDistributedCache>(other).AddShardedRedisCache().BuildServiceProvider();

        Assert.NotSame(other, oursLast.GetRequiredService<IDistributedCache>());
        Assert.Same(other, otherLast.GetRequiredService<IDistributedCache>());
        Assert.Same(between.GetRequiredService<IShardedCache>(), between.GetRequiredService<IDistributedCache>());
    }

    [Fact]
    public async Task Keyed_caches_are_instances_of_their_own_with_options_of_their_own()
    {
        await using var services = Development()
            .AddShardedRedisCache(options => options.InstanceName = "default:")
            .AddKeyedShardedRedisCache("orders", options => options.InstanceName = "orders:")
            .AddKeyedShardedRedisCache("users")
            .BuildServiceProvider();

        var orders = services.GetRequiredKeyedService<IShardedCache>("orders");

        Assert.Same(orders, services.GetRequiredKeyedService<IDistributedCache>("orders"));
        Assert.NotSame(orders, services.GetRequiredKeyedService<IDistributedCache>("users"));
        Assert.NotSame(orders, services.GetRequiredService<IShardedCache>());
        await orders.SetAsync("key", [1], new DistributedCacheEntryOptions(), TestContext.Current.CancellationToken);
        Assert.Null(services.GetRequiredService<IShardedCache>().Get("key"));
        Assert.Equal("orders:", Options(services, "orders").InstanceName);
        Assert.Equal("default:", Options(services).InstanceName);
        Assert.Null(Options(services, "users").InstanceName);
    }

    [Fact]
    public async Task Registering_again_configures_the_same_cache_further()
    {
        await using var services = Development(("ShardedRedis:InstanceName", "section:"))
            .AddShardedRedisCache(options =>
            {
                options.InstanceName = "first:";
                options.MaximumPayloadBytes = 1;
            })
            .AddShardedRedisCache(options => options.MaximumPayloadBytes = 2)
            .AddShardedRedisCache()
            .BuildServiceProvider();

        Assert.Equal("first:", Options(services).InstanceName);
        Assert.Equal(2, Options(services).MaximumPayloadBytes);
        Assert.Single(services.GetServices<IHostedService>());
        Assert.Single(services.GetServices<IShardedCache>());
    }

    [Fact]
    public async Task Options_may_be_set_with_the_help_of_services()
    {
        await using var services = Development()
            .AddSingleton(new Uri("http://prefix"))
            .AddShardedRedisCache((options, provider) => options.InstanceName = provider.GetRequiredService<Uri>().Host)
            .AddKeyedShardedRedisCache("a", (options, provider) => options.InstanceName = provider.GetRequiredService<Uri>().Host + "-a")
            .BuildServiceProvider();

        Assert.Equal("prefix", Options(services).InstanceName);
        Assert.Equal("prefix-a", Options(services, "a").InstanceName);
    }

    [Fact]
    public void Null_arguments_are_refused()
    {
        var services = new ServiceCollection();

        Assert.Throws<ArgumentNullException>(() => ((IServiceCollection)null!).AddShardedRedisCache());
        Assert.Throws<ArgumentNullException>(() => services.AddShardedRedisCache((Action<ShardedRedisCacheOptions>)null!));
        Assert.Throws<ArgumentNullException>(() => services.AddShardedRedisCache((Action<ShardedRedisCacheOptions, IServiceProvider>)null!));
        Assert.Throws<ArgumentNullException>(() => services.AddShardedRedisCache((IConfigurationSection)null!));
        Assert.Throws<ArgumentNullException>(() => services.AddKeyedShardedRedisCache(null!));
        Assert.Throws<ArgumentException>(() => services.AddKeyedShardedRedisCache(""));
        Assert.Empty(services);
    }

    [Fact]
    public async Task It_needs_neither_logging_nor_configuration_nor_a_host()
    {
        await using var services = new ServiceCollection()
            .AddSingleton<IHostEnvironment>(new DevelopmentEnvironment())
            .AddShardedRedisCache()
            .BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });

        Assert.NotNull(services.GetRequiredService<IDistributedCache>());
    }

    [Theory]
    [InlineData("127.0.0.1:1,127.0.0.1:2,shards=a", 2)]
    [InlineData("127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,shards=a", 0)]
    [InlineData("127.0.0.1:1,127.0.0.1:2", 0)]
    public async Task An_even_number_of_Sentinels_is_warned_of_and_starts_none_the_less(string configuration, int expected)
    {
        var warnings = new RecordedWarnings();
        await using var services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(warnings))
            .AddShardedRedisCache(options => options.Configuration = configuration)
            .BuildServiceProvider();

        Assert.IsType<ShardedRedisCache>(services.GetRequiredService<IDistributedCache>());
        Assert.Equal(expected / 2, warnings.Ids.Count(id => id == 2));
    }

    [Fact]
    public async Task A_host_starts_at_once_though_no_server_answers()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = Environments.Production });
        builder.Services.AddShardedRedisCache(options => options.Configuration = "127.0.0.1:1,shards=a");
        using var host = builder.Build();

        await host.StartAsync(TestContext.Current.CancellationToken);

        Assert.Equal("a", host.Services.GetRequiredService<IShardedCache>().GetShard("key"));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    internal static IServiceCollection Development(params (string Key, string Value)[] configuration) => new ServiceCollection()
        .AddSingleton<IHostEnvironment>(new DevelopmentEnvironment())
        .AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(configuration.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value))).Build());

    internal static ShardedRedisCacheOptions Options(IServiceProvider services, string? name = null) =>
        services.GetRequiredService<IOptionsMonitor<ShardedRedisCacheOptions>>().Get(name);

    internal sealed class DevelopmentEnvironment : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = Environments.Development;

        public string ApplicationName { get; set; } = "tests";

        public string ContentRootPath { get; set; } = "/";

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
