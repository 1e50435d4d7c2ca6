using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Contract;
using ShardedCache.Contract.Cache;
using ShardedCache.Farm.Tests.Sentinels;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Cache;

/// <summary>The contract of key groups, over real Redis servers that real Sentinels manage.</summary>
public sealed class SentinelFarmKeyGroupTests(SentinelFarmKeyGroupTests.Fixture fixture)
    : FarmKeyGroupTests(fixture), IClassFixture<SentinelFarmKeyGroupTests.Fixture>
{
    public sealed class Fixture() : FarmContractFixture(new RedisFarmOptions());
}

/// <summary>The contract of key groups, over fixed servers.</summary>
public sealed class FixedEndPointsKeyGroupTests(FixedEndPointsKeyGroupTests.Fixture fixture)
    : FarmKeyGroupTests(fixture), IClassFixture<FixedEndPointsKeyGroupTests.Fixture>
{
    public sealed class Fixture() : FarmContractFixture(new RedisFarmOptions { Shards = 3, ReplicasPerShard = 0, Sentinels = 0 });
}

/// <summary>The contract of key groups, with an instance name and users who may do what the documentation says and nothing more.</summary>
public sealed class SecuredFarmKeyGroupTests(SecuredFarmKeyGroupTests.Fixture fixture)
    : FarmKeyGroupTests(fixture), IClassFixture<SecuredFarmKeyGroupTests.Fixture>
{
    [Fact]
    public async Task No_command_of_a_group_is_denied_by_the_rights_that_the_documentation_names()
    {
        var group = Cache.CreateKeyGroup("rights");
        foreach (var expiration in (DistributedCacheEntryOptions[])[
            NoExpiration,
            new() { SlidingExpiration = TimeSpan.FromSeconds(5) },
            new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(1), SlidingExpiration = TimeSpan.FromSeconds(5) }])
        {
            await group.SetAsync(Entries(group, ("a", "1"), ("b", "2")), expiration, Cancellation);
            await Cache.GetAsync(group.Key("a"), Cancellation);
            await Cache.RefreshAsync(group.Key("b"), Cancellation);
            await group.RemoveAsync([group.Key("a")], Cancellation);
            await Other.CreateKeyGroup(group.Name).RemoveAllAsync(Cancellation);
        }

        foreach (var process in fixture.Farm.Shards.SelectMany(static shard => shard.Servers).Concat(fixture.Farm.Sentinels))
        {
            Assert.Empty(await LeastPrivilege.DeniedAsync(process));
        }
    }

    public sealed class Fixture() : FarmContractFixture(LeastPrivilege.Options())
    {
        protected override void Configure(ShardedRedisCacheOptions options, RedisFarm farm) => options.InstanceName = AclRules.InstanceName;
    }
}

public abstract class FarmKeyGroupTests(FarmContractFixture fixture) : CrossShardContract
{
    protected override IShardedCache Cache => fixture.Cache;

    protected override IShardedCache Other => fixture.Other;

    protected override int MaximumPayloadBytes => FarmContractFixture.MaximumPayloadBytes;
}
