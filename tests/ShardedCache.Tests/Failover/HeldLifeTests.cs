using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

public class HeldLifeTests
{
    [Fact]
    public void Nothing_is_over_while_nothing_is_in_doubt()
    {
        var held = default(HeldLife);
        Assert.False(held.IsOver(long.MaxValue));

        held.Hold(10);
        Assert.False(held.IsOver(20));
    }

    [Fact]
    public void What_a_use_was_not_answered_for_is_over_when_it_was_before_the_use()
    {
        var held = default(HeldLife);
        held.Doubt(10);
        held.Doubt(15);

        Assert.False(held.IsOver(9));
        Assert.True(held.IsOver(10));
    }

    [Fact]
    public void Answers_that_overtake_each_other_leave_the_longest_life()
    {
        var held = default(HeldLife);
        held.Doubt(10);
        held.Hold(20);
        held.Hold(15);

        Assert.False(held.IsOver(19));
        Assert.True(held.IsOver(20));
    }

    [Fact]
    public void It_is_moved_to_another_clock()
    {
        var held = default(HeldLife);
        held.Shift(5);
        Assert.False(held.IsOver(20));

        held.Doubt(10);
        held.Shift(5);
        Assert.False(held.IsOver(14));
        Assert.True(held.IsOver(15));

        held.Clear();
        Assert.False(held.IsOver(20));
    }
}
