using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

public class ProofLedgerTests
{
    private readonly ProofLedger _ledger = new();

    [Fact]
    public void Nothing_is_proven_at_first_and_rounds_count_from_one()
    {
        Assert.Equal(0, _ledger.Safe);
        Assert.Equal([1, 2, 3], new[] { _ledger.NextRound(), _ledger.NextRound(), _ledger.NextRound() });
        Assert.Equal(0, _ledger.Safe);
    }

    [Fact]
    public void A_round_is_proven_when_the_replica_has_come_to_its_mark()
    {
        Take(100, promotable: 1, 99);
        Assert.Equal(0, _ledger.Safe);

        Take(150, promotable: 1, 100);
        Assert.Equal(1, _ledger.Safe);

        Take(150, promotable: 1, 150);
        Assert.Equal(3, _ledger.Safe);
    }

    [Fact]
    public void Of_several_replicas_the_last_one_counts()
    {
        Take(100, promotable: 2, 100, 50);
        Assert.Equal(0, _ledger.Safe);

        Take(200, promotable: 2, 150, 199);
        Assert.Equal(1, _ledger.Safe);
    }

    [Fact]
    public void A_replica_that_could_be_promoted_and_is_not_connected_holds_every_round_back()
    {
        Take(100, promotable: 2, 100);
        Assert.Equal(0, _ledger.Safe);

        Take(100, promotable: 1, 100);
        Assert.Equal(2, _ledger.Safe);
    }

    [Fact]
    public void A_replica_that_does_not_yet_follow_holds_every_round_back()
    {
        var round = _ledger.NextRound();
        _ledger.Take(round, State("a", 100, others: 1, 100), 1);

        Assert.Equal(0, _ledger.Safe);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Without_a_replica_nothing_is_proven(int promotable)
    {
        Take(100, promotable);

        Assert.Equal(0, _ledger.Safe);
    }

    [Fact]
    public void More_replicas_than_the_Sentinels_know_all_count()
    {
        Take(100, promotable: 1, 100, 80);

        Assert.Equal(0, _ledger.Safe);
    }

    [Fact]
    public void Offsets_of_another_history_prove_nothing()
    {
        Take(100, promotable: 1, 50);
        var round = _ledger.NextRound();
        _ledger.Take(round, State("b", 1000, others: 0, 1000), 1);

        Assert.Equal(0, _ledger.Safe);
    }

    [Fact]
    public void A_round_whose_mark_was_never_read_is_proven_and_covered_by_the_next_one()
    {
        var unread = _ledger.NextRound();
        Take(200, promotable: 1, 150);

        Assert.Equal(new ReplicationMark("a", 200), _ledger.MarkOf(unread));
        Take(250, promotable: 1, 200);

        Assert.Equal(2, _ledger.Safe);
    }

    [Fact]
    public void Each_round_is_covered_by_its_own_mark()
    {
        Take(100, promotable: 1, 0);
        Take(200, promotable: 1, 0);

        Assert.Equal(new ReplicationMark("a", 100), _ledger.MarkOf(1));
        Assert.Equal(new ReplicationMark("a", 200), _ledger.MarkOf(2));
        Assert.Null(_ledger.MarkOf(3));
    }

    [Fact]
    public void What_has_no_round_has_no_mark()
    {
        Take(100, promotable: 1, 0);

        Assert.Null(_ledger.MarkOf(0));
    }

    [Fact]
    public void A_replica_that_lags_for_long_does_not_make_it_grow_without_bound()
    {
        for (var i = 1; i <= 10_000; i++)
        {
            Take(i, promotable: 1, 0);
        }

        Assert.NotNull(_ledger.MarkOf(4096));
        Assert.Null(_ledger.MarkOf(4097));

        Take(20_000, promotable: 1, 4096);
        Assert.Equal(4096, _ledger.Safe);
        Take(20_000, promotable: 1, 20_000);
        Assert.Equal(10_002, _ledger.Safe);
    }

    private static ReplicationState State(string id, long offset, int others, params long[] replicas) => ReplicationState.Parse(string.Join("\r\n",
    [
        "role:master", $"master_replid:{id}", $"master_repl_offset:{offset}",
        .. replicas.Select(static (acknowledged, i) => $"slave{i}:ip=10.0.0.{i},port=1,state=online,offset={acknowledged},lag=0"),
        .. Enumerable.Range(replicas.Length, others).Select(static i => $"slave{i}:ip=10.0.0.{i},port=1,state=wait_bgsave,offset=0,lag=0"),
    ]));

    private void Take(long offset, int promotable, params long[] replicas) =>
        _ledger.Take(_ledger.NextRound(), State("a", offset, others: 0, replicas), promotable);
}
