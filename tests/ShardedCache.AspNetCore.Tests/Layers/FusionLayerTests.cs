using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Layers;

public sealed class FusionLayerTests(LayerFarm servers) : LayerContract(servers), IClassFixture<LayerFarm>
{
    private protected override Layer Create(RedisFarm farm) => new FusionLayer(farm);
}

/// <summary>The same where instances tell each other what has changed.</summary>
public sealed class FusionBackplaneTests(LayerFarm servers) : LayerContract(servers), IClassFixture<LayerFarm>
{
    private readonly InProcessBackplane.Channel _channel = new();

    private protected override Layer Create(RedisFarm farm) => new FusionLayer(farm, new InProcessBackplane(_channel));

    [Fact]
    public async Task What_one_instance_removes_or_invalidates_another_has_no_more_in_its_memory()
    {
        await using var first = await JoinAsync(Farm);
        await using var second = await JoinAsync(Farm);
        await first.SetAsync(Key("removed"), "value");
        await first.SetAsync(Key("tagged"), "value", Key("tag"));
        Assert.Equal(("value", "value"), (await second.FindAsync(Key("removed")), await second.FindAsync(Key("tagged"), Key("tag"))));

        await first.RemoveAsync(Key("removed"));
        await first.RemoveByTagAsync(Key("tag"));

        Assert.Equal(("made", "made"), (await second.FindAsync(Key("removed")), await second.FindAsync(Key("tagged"), Key("tag"))));
    }
}
