using System.Security.Cryptography.X509Certificates;
using ShardedCache.Contract;
using ShardedCache.Farm.Tests.Sentinels;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Cache;

/// <summary>
/// The contract of every cache, over TLS with certificates on both sides, for users that may use the keys of one instance
/// name only, with credentials from delegates where the connection string's are out of date.
/// </summary>
public sealed class SecuredFarmContractTests(SecuredFarmContractTests.Fixture fixture)
    : FarmContractTests(fixture), IClassFixture<SecuredFarmContractTests.Fixture>
{
    protected override string InstanceName => AclRules.InstanceName;

    public class Fixture() : FarmContractFixture(Options())
    {
        protected override void Configure(ShardedRedisCacheOptions options, RedisFarm farm)
        {
            options.Configuration = farm.ConnectionString
                .Replace(LeastPrivilege.Password, "outdated", StringComparison.Ordinal)
                .Replace(LeastPrivilege.SentinelPassword, "outdated", StringComparison.Ordinal);
            options.InstanceName = AclRules.InstanceName;
            options.CredentialsProvider = token => GiveAsync("app", LeastPrivilege.Password, token);
            options.SentinelCredentialsProvider = token => GiveAsync("watcher", LeastPrivilege.SentinelPassword, token);
            options.ClientCertificate = farm.ClientCertificate;
            options.ServerCertificateValidation = (_, certificate, chain, _) =>
            {
                chain!.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                chain.ChainPolicy.CustomTrustStore.Add(farm.CaCertificate!);
                return chain.Build((X509Certificate2)certificate!);
            };
        }

        private static RedisFarmOptions Options()
        {
            var options = LeastPrivilege.Options();
            options.Tls = true;
            options.RequireClientCertificate = true;
            return options;
        }

        private static async ValueTask<ShardedRedisCredentials> GiveAsync(string user, string password, CancellationToken cancellationToken)
        {
            await Task.Delay(1, cancellationToken);
            return new ShardedRedisCredentials(user, password);
        }
    }
}
