using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

/// <summary>What is known from before an interruption may be long over.</summary>
public sealed class SentinelsAskedAnewTests : IAsyncDisposable
{
    private readonly SentinelWorld _world = new();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData(3)]
    [InlineData(2)]
    public async Task Then_the_master_is_the_one_that_a_majority_names_now(int answering)
    {
        await _world.StartAsync();
        foreach (var silent in _world.Sentinels.Skip(answering))
        {
            silent.Behaviour = FakeBehaviour.IsStopped;
        }

        _world.Say(SentinelWorld.B, 8);
        Assert.Equal(SentinelWorld.A, _world.Shard0.Master);

        await AskAnewAsync(TimeSpan.FromMilliseconds(5));

        Assert.Equal(SentinelWorld.B, _world.Shard0.Master);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task Without_a_majority_each_of_them_has_had_its_time(int answering)
    {
        await _world.StartAsync();
        foreach (var silent in _world.Sentinels.Skip(answering))
        {
            silent.Behaviour = FakeBehaviour.IsDown;
        }

        await AskAnewAsync(TimeSpan.FromMilliseconds(50));

        Assert.Equal(answering == 0, _world.Shard0.Fault is { Kind: MasterFaultKind.AllUnreachable });
    }

    [Fact]
    public async Task One_that_is_asked_under_two_addresses_is_no_majority()
    {
        _world.AddAlias("alias", _world.Sentinels[0]);
        _world.Ask([_world.Sentinels[0].Address, new("alias", 26379), _world.Sentinels[1].Address], "shard-0", "shard-1");
        foreach (var sentinel in _world.Sentinels)
        {
            sentinel.Others.Clear();
        }

        _world.Masters.Start();
        await SentinelWorld.Until(() => _world.Sentinels.Take(2).All(static sentinel => sentinel is { Asked: >= 2, IsListenedTo: true }));
        _world.Sentinels[1].Behaviour = FakeBehaviour.IsStopped;
        var asked = _world.Masters.AskAnewAsync(TestContext.Current.CancellationToken);

        for (var i = 0; i < 20; i++)
        {
            _world.Time.Advance(TimeSpan.FromMilliseconds(5));
            await Task.Delay(2, TestContext.Current.CancellationToken);
        }

        Assert.False(asked.IsCompleted);
        await SentinelWorld.Until(() =>
        {
            _world.Time.Advance(TimeSpan.FromMilliseconds(50));
            return asked.IsCompleted;
        });
    }

    private async Task AskAnewAsync(TimeSpan step)
    {
        var asked = _world.Masters.AskAnewAsync(TestContext.Current.CancellationToken);
        Assert.False(asked.IsCompleted);
        await SentinelWorld.Until(() =>
        {
            _world.Time.Advance(step);
            return asked.IsCompleted;
        });
        await asked;
    }
}
