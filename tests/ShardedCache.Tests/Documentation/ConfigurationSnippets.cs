using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ShardedCache.Tests.Documentation;

/// <summary>The code of <c>docs/configuration.md</c>. A test sees to it that every block of the page stands here.</summary>
internal static class ConfigurationSnippets
{
    internal interface IVault
    {
        Task<string> GetSecretAsync(string name, CancellationToken cancellationToken);
    }

    public static void Default(HostApplicationBuilder builder)
    {
        builder.Services.AddShardedRedisCache();
    }

    public static void Options(HostApplicationBuilder builder)
    {
        builder.Services.AddShardedRedisCache(options => options.InstanceName = "shop:");
        builder.Services.AddShardedRedisCache((options, services) => options.InstanceName = services.GetRequiredService<Tenant>().Name + ":");
        builder.Services.AddShardedRedisCache(builder.Configuration.GetSection("Caches:Main"));
    }

    public static void Keyed(HostApplicationBuilder builder)
    {
        builder.Services.AddKeyedShardedRedisCache("orders", options => options.InstanceName = "orders:");
        builder.Services.AddKeyedShardedRedisCache("reports", options => options.Configuration = "10.0.1.1:6379,10.0.1.2:6379");
    }

    public static void Credentials(HostApplicationBuilder builder)
    {
        builder.Services.AddShardedRedisCache((options, services) =>
        {
            var vault = services.GetRequiredService<IVault>();
            options.CredentialsProvider = async cancellationToken =>
                new ShardedRedisCredentials("app", await vault.GetSecretAsync("redis", cancellationToken));
        });
    }

    public static void Tls(HostApplicationBuilder builder)
    {
        builder.Services.AddShardedRedisCache(options =>
        {
            options.Configuration = "redis-a:6380,redis-b:6380,ssl=true";
            options.ClientCertificate = X509CertificateLoader.LoadPkcs12FromFile("client.pfx", password: null);
            options.ConfigureStackExchangeRedis = client => client.SslProtocols = SslProtocols.Tls13;
        });
    }

    internal sealed record Tenant(string Name);
}
