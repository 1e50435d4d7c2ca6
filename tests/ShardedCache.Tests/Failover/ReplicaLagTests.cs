using Microsoft.Extensions.Time.Testing;
using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

public class ReplicaLagTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ReplicaLag _lag;

    public ReplicaLagTests() => _lag = new ReplicaLag(_time);

    [Fact]
    public void Where_no_replica_was_ever_seen_nothing_is_known_of_its_lag()
    {
        Assert.Null(_lag.Last);

        Poll(100);
        Poll(200);

        Assert.Null(_lag.Last);
    }

    [Fact]
    public void A_replica_that_has_everything_is_not_behind()
    {
        Poll(100, 100);

        Assert.Equal(TimeSpan.Zero, _lag.Last);
    }

    [Fact]
    public void A_replica_that_has_what_the_master_had_at_an_earlier_poll_is_that_far_behind()
    {
        Poll(100, 100);
        Poll(200, 100);
        Poll(300, 200);
        Poll(400, 250);

        Assert.Equal(TimeSpan.FromSeconds(2), _lag.Last);
    }

    [Fact]
    public void A_replica_that_stands_still_falls_behind_with_each_poll_and_catches_up_at_once()
    {
        Poll(100, 100);
        for (var i = 1; i <= 10; i++)
        {
            Poll(100 + i, 100);
            Assert.Equal(TimeSpan.FromSeconds(i), _lag.Last);
        }

        Poll(200, 200);

        Assert.Equal(TimeSpan.Zero, _lag.Last);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0L)]
    public void A_replica_that_leaves_or_begins_anew_after_ten_minutes_was_near_until_then(long? offset)
    {
        for (var i = 0; i < 700; i++)
        {
            Poll(i + 1, i + 1);
        }

        Poll(701, offset is { } known ? [known] : []);

        Assert.Equal(TimeSpan.FromSeconds(1), _lag.Last);
    }

    [Fact]
    public void Each_replica_is_as_far_behind_as_the_poll_that_it_has_reached()
    {
        Assert.Null(_lag.Behind(100));
        Poll(100, 100);
        Poll(200, 200);
        Poll(300, 300);
        Poll(400, 400);

        Assert.Equal(
            [TimeSpan.Zero, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(3)],
            new[] { _lag.Behind(450), _lag.Behind(399), _lag.Behind(100), _lag.Behind(1) });
    }

    [Fact]
    public void Of_several_replicas_the_best_counts()
    {
        Poll(100, 100, 0);
        Poll(200, 0, 200);

        Assert.Equal(TimeSpan.Zero, _lag.Last);
    }

    [Fact]
    public void A_replica_that_is_gone_is_as_far_behind_as_it_was_last_seen()
    {
        Poll(100, 100);
        Poll(200);
        Poll(300);

        Assert.Equal(TimeSpan.FromSeconds(2), _lag.Last);
    }

    [Fact]
    public void In_another_history_older_offsets_do_not_count()
    {
        Poll(1000, 1000);
        Poll(2000, 1000);

        Poll(50, 20);
        Assert.Equal(TimeSpan.FromSeconds(2), _lag.Last);

        Poll(60, 60);
        Assert.Equal(TimeSpan.Zero, _lag.Last);
    }

    [Fact]
    public void The_lag_is_that_of_the_last_poll_however_long_that_is_ago()
    {
        Poll(100, 100);
        _time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(TimeSpan.Zero, _lag.Last);
    }

    [Fact]
    public void A_lag_beyond_ten_minutes_is_never_told_as_less_than_that()
    {
        Poll(0, 0);
        for (var i = 1; i < 5000; i++)
        {
            Poll(i, 0);
        }

        Assert.True(_lag.Last >= TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1), $"{_lag.Last}");
    }

    private void Poll(long masterOffset, params long[] replicas)
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        _lag.Observe(masterOffset, replicas);
    }
}
