using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

public class ShardLifecycleTests
{
    [Fact]
    public void A_failover_runs_from_up_over_suspect_and_failing_over_and_recovering_back_to_up()
    {
        ShardEvent[] failover = [ShardEvent.Lost, ShardEvent.AttemptFailed, ShardEvent.AttemptFailed, ShardEvent.Verified, ShardEvent.Ready];

        var path = failover.Aggregate(new List<ShardState> { ShardState.Up }, (states, happened) => [.. states, ShardLifecycle.Next(states[^1], happened)]);

        Assert.Equal(
            [ShardState.Up, ShardState.Suspect, ShardState.FailingOver, ShardState.FailingOver, ShardState.Recovering, ShardState.Up], path);
    }

    [Fact]
    public void A_shard_is_up_only_after_its_master_was_verified()
    {
        foreach (var state in Enum.GetValues<ShardState>())
        {
            var next = ShardLifecycle.Next(state, ShardEvent.Ready);

            Assert.Equal(state is ShardState.Recovering or ShardState.Up, next == ShardState.Up);
        }
    }

    [Fact]
    public void A_wrong_configuration_shows_from_every_state_and_ends_when_a_master_is_verified()
    {
        foreach (var state in Enum.GetValues<ShardState>())
        {
            Assert.Equal(ShardState.Misconfigured, ShardLifecycle.Next(state, ShardEvent.Refused));
        }

        Assert.Equal(ShardState.Misconfigured, ShardLifecycle.Next(ShardState.Misconfigured, ShardEvent.Lost));
        Assert.Equal(ShardState.Recovering, ShardLifecycle.Next(ShardState.Misconfigured, ShardEvent.Verified));
    }

    [Fact]
    public void Start_up_with_everything_down_ends_the_wait_of_the_first_callers()
    {
        Assert.Equal(ShardState.FailingOver, ShardLifecycle.Next(ShardState.Connecting, ShardEvent.AttemptFailed));
    }

    [Fact]
    public void A_connection_lost_before_it_served_counts_as_a_failed_recovery()
    {
        Assert.Equal(ShardState.FailingOver, ShardLifecycle.Next(ShardState.Recovering, ShardEvent.Lost));
    }
}
