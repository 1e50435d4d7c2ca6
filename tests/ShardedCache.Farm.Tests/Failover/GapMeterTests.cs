using ShardedCache.LoadLab.History;

namespace ShardedCache.Farm.Tests.Failover;

public sealed class GapMeterTests
{
    [Fact]
    public void A_gap_lasts_from_the_first_read_that_is_not_answered_to_the_first_that_is()
    {
        var history = new HistoryBuilder().Set(0, 1, 0, 1).Hit(0, (0, 1), 10, 11).Throw(0, 20, 21).Miss(0, 100, 101).Throw(0, 200, 201).Hit(0, (0, 1), 300, 302);

        Assert.Equal(282, Longest(history));
    }

    [Fact]
    public void Reads_that_hang_are_a_gap_unless_a_later_one_is_answered_sooner()
    {
        Assert.Equal(1000, Longest(new HistoryBuilder().Set(0, 1, 0, 1).Hit(0, (0, 1), 20, 1020)));
        Assert.Equal(11, Longest(new HistoryBuilder().Set(0, 1, 0, 1).Hit(0, (0, 1), 20, 1020).Hit(0, (0, 1), 30, 31).Hit(0, (0, 1), 2000, 2001)));
    }

    [Fact]
    public void Reads_of_keys_that_need_not_exist_are_no_gap() =>
        Assert.Equal(0, Longest(new HistoryBuilder().Set(0, 1, 0, 1).Remove(0, 5, 6).Throw(0, 20, 900).Miss(0, 1000, 1001)));

    [Fact]
    public void Each_process_is_measured_by_itself()
    {
        var history = new HistoryBuilder().Set(0, 1, 0, 1).Hit(1, (0, 1), 10, 11).Throw(1, 100, 101).Hit(0, (0, 1), 200, 201).Hit(1, (0, 1), 900, 901);

        Assert.Equal(801, Longest(history));
    }

    private static double Longest(HistoryBuilder history) => Math.Round(Ticks.Milliseconds(GapMeter.Longest(history.Check().ReadsOfExisting).Ticks), 3);
}
