using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

public class MasterBoardTests
{
    private static readonly MasterSnapshot First = MasterSnapshot.Unknown with { Master = new("10.0.0.1", 6379), ConfigEpoch = 1, Fault = null };

    private readonly MasterBoard _board = new(["shard-0", "shard-1"]);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public void Before_anything_is_published_the_Sentinels_were_not_asked_yet()
    {
        Assert.Equal(0, _board.Current("shard-0").Version);
        Assert.Equal(MasterFaultKind.NotAskedYet, _board.Current("shard-0").Fault!.Kind);
        Assert.Null(_board.Current("shard-0").Master);
    }

    [Fact]
    public void The_version_grows_with_each_change_and_with_nothing_else()
    {
        Assert.True(_board.Publish("shard-0", First));
        Assert.False(_board.Publish("shard-0", First with { Replicas = [] }));
        Assert.Equal(1, _board.Current("shard-0").Version);

        Assert.True(_board.Publish("shard-0", First with { Replicas = [new("10.0.0.2", 6379)] }));
        Assert.False(_board.Publish("shard-0", First with { Replicas = [new("10.0.0.2", 6379)] }));
        Assert.Equal(2, _board.Current("shard-0").Version);
        Assert.Equal(0, _board.Current("shard-1").Version);
    }

    [Fact]
    public async Task Who_waits_is_woken_by_the_next_change_of_his_own_shard()
    {
        var change = _board.WaitForChangeAsync("shard-0", 0, Cancelled);

        _board.Publish("shard-1", First);
        Assert.False(change.IsCompleted);
        _board.Publish("shard-0", First);

        Assert.Equal(1, (await change).Version);
    }

    [Fact]
    public async Task Who_asks_after_an_older_version_need_not_wait()
    {
        _board.Publish("shard-0", First);

        Assert.Equal(First.Master, (await _board.WaitForChangeAsync("shard-0", 0, Cancelled)).Master);
    }

    [Fact]
    public async Task Waiting_can_be_cancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var change = _board.WaitForChangeAsync("shard-0", 0, cancellation.Token);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => change);
    }

    [Fact]
    public void A_shard_that_is_not_of_the_farm_is_refused_by_name()
    {
        var fault = Assert.Throws<ArgumentException>(() => _board.Current("shard-9"));

        Assert.Contains("shard-9", fault.Message, StringComparison.Ordinal);
    }
}
