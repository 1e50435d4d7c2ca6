using ShardedCache.Contract;
using ShardedCache.Farm.Tests.Sentinels;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Cache;

/// <summary>The contract of every cache over our own wire: under Sentinels, with the users' least privileges.</summary>
public sealed class RespSentinelFarmContractTests(RespSentinelFarmContractTests.Fixture fixture)
    : FarmContractTests(fixture), IClassFixture<RespSentinelFarmContractTests.Fixture>
{
    public sealed class Fixture() : FarmContractFixture(LeastPrivilege.Options(AclRules.ServerWithoutInstanceName))
    {
        protected override void Configure(ShardedRedisCacheOptions options, RedisFarm farm) => options.Transport = ShardTransport.Resp;
    }
}

/// <summary>Over fixed servers, chosen by the connection string.</summary>
public sealed class RespFixedEndPointsContractTests(RespFixedEndPointsContractTests.Fixture fixture)
    : FarmContractTests(fixture), IClassFixture<RespFixedEndPointsContractTests.Fixture>
{
    public sealed class Fixture() : FarmContractFixture(new RedisFarmOptions { Shards = 3, ReplicasPerShard = 0, Sentinels = 0 })
    {
        protected override void Configure(ShardedRedisCacheOptions options, RedisFarm farm) => options.Configuration += ",transport=resp";
    }
}

/// <summary>Over TLS with certificates on both sides, and credentials from delegates.</summary>
public sealed class RespSecuredFarmContractTests(RespSecuredFarmContractTests.Fixture fixture)
    : FarmContractTests(fixture), IClassFixture<RespSecuredFarmContractTests.Fixture>
{
    protected override string InstanceName => AclRules.InstanceName;

    public sealed class Fixture : SecuredFarmContractTests.Fixture
    {
        protected override void Configure(ShardedRedisCacheOptions options, RedisFarm farm)
        {
            base.Configure(options, farm);
            options.Transport = ShardTransport.Resp;
        }
    }
}

/// <summary>The contract of key groups over our own wire.</summary>
public sealed class RespKeyGroupTests(RespKeyGroupTests.Fixture fixture) : FarmKeyGroupTests(fixture), IClassFixture<RespKeyGroupTests.Fixture>
{
    public sealed class Fixture() : FarmContractFixture(new RedisFarmOptions())
    {
        protected override void Configure(ShardedRedisCacheOptions options, RedisFarm farm) => options.Transport = ShardTransport.Resp;
    }
}
