using ShardedCache.LoadLab.History;

namespace ShardedCache.Farm.Tests.Failover;

public sealed class HistoryCheckerTests
{
    private static HistoryBuilder History => new();

    [Fact]
    public void A_history_without_a_fault_has_no_finding()
    {
        var findings = History.Set(0, 1, 0, 1).Hit(0, (0, 1), 2, 3).Set(0, 2, 10, 11).Remove(0, 20, 21).Miss(0, 30, 31).Set(0, 3, 40, 41)
            .Hit(0, (0, 3), 1000, 1001, atEnd: true).Hit(2, (0, 3), 1000, 1001, atEnd: true).Check();

        AssertOnly(findings, []);
        Assert.Single(findings.ReadsOfExisting);
    }

    [Fact]
    public void An_acknowledged_set_that_nobody_replaced_and_that_misses_at_the_end_is_lost_once() =>
        AssertOnly(
            History.Set(0, 1, 0, 1).Miss(0, 1000, 1001, atEnd: true).Miss(2, 1000, 1001, atEnd: true).Check(),
            [findings => findings.Lost]);

    [Fact]
    public void A_set_is_lost_when_the_value_before_it_is_read_at_the_end() =>
        AssertOnly(
            History.Set(0, 1, 0, 1).Set(0, 2, 10, 11).Hit(2, (0, 1), 1000, 1001, atEnd: true).Check(),
            [findings => findings.Lost]);

    [Fact]
    public void A_set_before_an_acknowledged_removal_is_not_lost() =>
        AssertOnly(History.Set(0, 1, 0, 1).Remove(0, 10, 11).Miss(2, 1000, 1001, atEnd: true).Check(), []);

    [Fact]
    public void A_removal_that_failed_may_have_removed() =>
        AssertOnly(
            History.Set(0, 1, 0, 1).Remove(0, 10, 11, fails: true).Miss(0, 20, 21).Hit(0, (0, 1), 30, 31).Miss(2, 1000, 1001, atEnd: true).Check(), []);

    [Fact]
    public void A_set_that_failed_may_be_read_and_may_be_missing()
    {
        AssertOnly(History.Set(0, 1, 0, 1, fails: true).Miss(2, 1000, 1001, atEnd: true).Check(), []);
        AssertOnly(History.Set(0, 1, 0, 1).Set(0, 2, 10, 11, fails: true).Hit(2, (0, 1), 1000, 1001, atEnd: true).Check(), []);
        AssertOnly(History.Set(0, 1, 0, 1).Set(0, 2, 10, 11, fails: true).Hit(2, (0, 2), 1000, 1001, atEnd: true).Check(), []);
    }

    [Fact]
    public void A_set_that_failed_does_not_excuse_that_both_values_are_gone() =>
        AssertOnly(
            History.Set(0, 1, 0, 1).Set(0, 2, 10, 11, fails: true).Miss(2, 1000, 1001, atEnd: true).Check(),
            [findings => findings.Lost]);

    [Fact]
    public void A_set_that_failed_must_not_come_after_a_later_one_that_was_acknowledged()
    {
        AssertOnly(History.Set(0, 1, 0, 1, fails: true).Set(0, 2, 10, 11).Hit(0, (0, 1), 100, 101).Check(), [findings => findings.Stale]);
        AssertOnly(
            History.Set(0, 1, 0, 1, fails: true).Set(0, 2, 10, 11).Hit(2, (0, 1), 1000, 1001, atEnd: true).Check(),
            [findings => findings.Lost]);
    }

    [Fact]
    public void A_removed_value_that_its_own_process_reads_again_is_resurrected() =>
        AssertOnly(History.Set(0, 1, 0, 1).Remove(0, 10, 11).Hit(0, (0, 1), 20, 21).Check(), [findings => findings.Resurrected]);

    [Fact]
    public void A_value_that_another_process_removed_may_be_read_until_the_end_and_not_then()
    {
        AssertOnly(History.Set(0, 1, 0, 1).Remove(1, 100, 101).Hit(0, (0, 1), 300, 301).Check(), []);
        AssertOnly(
            History.Set(0, 1, 0, 1).Remove(1, 100, 101).Hit(0, (0, 1), 1000, 1001, atEnd: true).Check(),
            [findings => findings.Resurrected]);
    }

    [Fact]
    public void An_older_value_than_the_process_wrote_is_stale() =>
        AssertOnly(History.Set(0, 1, 0, 1).Set(0, 2, 10, 11).Hit(0, (0, 1), 20, 21).Check(), [findings => findings.Stale]);

    [Fact]
    public void An_older_value_than_the_process_has_read_is_stale() =>
        AssertOnly(
            History.Set(1, 1, 0, 1).Set(1, 2, 100, 101).Hit(0, (1, 2), 200, 201).Hit(0, (1, 1), 300, 301).Check(),
            [findings => findings.Stale]);

    [Fact]
    public void Of_writes_that_overlap_either_may_win()
    {
        AssertOnly(
            History.Set(0, 1, 0, 100).Set(0, 2, 50, 60).Hit(0, (0, 1), 200, 201).Hit(2, (0, 1), 1000, 1001, atEnd: true).Check(), []);
        AssertOnly(History.Set(0, 1, 0, 100).Remove(0, 50, 60).Hit(0, (0, 1), 200, 201).Check(), []);
        AssertOnly(History.Set(0, 1, 0, 100).Remove(0, 50, 60).Miss(0, 200, 201).Miss(2, 1000, 1001, atEnd: true).Check(), []);
    }

    [Fact]
    public void Between_processes_50_ms_are_no_certain_order()
    {
        AssertOnly(History.Set(0, 1, 0, 1).Set(1, 1, 40, 41).Hit(2, (0, 1), 1000, 1001, atEnd: true).Check(), []);
        AssertOnly(
            History.Set(0, 1, 0, 1).Set(1, 1, 60, 61).Hit(2, (0, 1), 1000, 1001, atEnd: true).Check(),
            [findings => findings.Lost]);
    }

    [Fact]
    public void Bytes_that_nobody_wrote_are_wrong()
    {
        AssertOnly(History.WrongBytes(0, 0, 1).Check(), [findings => findings.Wrong]);
        AssertOnly(History.Hit(0, (1, 5), 0, 1).Check(), [findings => findings.Wrong]);
        AssertOnly(History.Hit(0, (1, 5), 0, 1).Set(1, 5, 10, 11).Check(), [findings => findings.Wrong]);
    }

    [Fact]
    public void A_value_is_not_read_after_its_absolute_expiration()
    {
        AssertOnly(History.Set(0, 1, 0, 10, absolute: 500).Hit(0, (0, 1), 600, 601).Miss(0, 400.5, 401.5).Check(), []);
        AssertOnly(History.Set(0, 1, 0, 10, absolute: 500).Hit(0, (0, 1), 620, 621).Check(), [findings => findings.Resurrected]);
    }

    [Fact]
    public void A_sliding_value_lives_its_window_and_a_sixteenth_after_its_last_use()
    {
        AssertOnly(History.Set(0, 1, 0, 1, sliding: 1600).Refresh(0, 1500, 1501).Hit(0, (0, 1), 3300, 3301).Check(), []);
        AssertOnly(History.Set(0, 1, 0, 1, sliding: 1600).Hit(1, (0, 1), 1500, 1501).Hit(0, (0, 1), 3300, 3301).Check(), []);
        AssertOnly(History.Set(0, 1, 0, 1, sliding: 1600).Hit(0, (0, 1), 1900, 1901).Check(), [findings => findings.Resurrected]);
        AssertOnly(History.Set(0, 1, 0, 1, sliding: 1600).Miss(0, 1550, 1551).Miss(2, 9000, 9001, atEnd: true).Check(), []);
    }

    [Fact]
    public void A_refresh_by_who_knows_a_value_is_a_use_of_it()
    {
        AssertOnly(
            History.Set(0, 1, 0, 1, sliding: 1600).Refresh(0, 1400, 1401).Miss(0, 2500, 2501).Check(),
            [findings => findings.Missed]);
        AssertOnly(History.Set(0, 1, 0, 1, sliding: 1600).Refresh(1, 1400, 1401).Miss(0, 2500, 2501).Check(), []);
        AssertOnly(History.Set(0, 1, 0, 1, sliding: 1600).Refresh(0, 1700, 1701).Miss(0, 2500, 2501).Check(), []);
    }

    [Fact]
    public void A_refresh_that_may_have_met_anothers_later_value_is_no_use_of_the_one_that_its_process_knows() =>
        AssertOnly(History.Set(0, 1, 0, 1, sliding: 1600).Set(1, 2, 1000, 1001).Refresh(0, 1400, 1401).Miss(0, 2500, 2501).Hit(2, (1, 2), 9000, 9001, atEnd: true).Check(), []);

    [Fact]
    public void A_sliding_value_that_is_gone_before_its_window_is_over_was_missed() =>
        AssertOnly(
            History.Set(0, 1, 0, 1, sliding: 1600).Hit(0, (0, 1), 1400, 1401).Miss(0, 2500, 2501).Check(),
            [findings => findings.Missed]);

    [Fact]
    public void A_miss_of_what_the_process_wrote_or_read_itself_is_noted_at_once()
    {
        AssertOnly(History.Set(0, 1, 0, 1).Miss(0, 10, 11).Set(0, 2, 20, 21).Check(), [findings => findings.Missed]);
        AssertOnly(History.Set(1, 1, 0, 1).Hit(0, (1, 1), 10, 11).Miss(0, 100, 101).Check(), [findings => findings.Missed]);
        AssertOnly(History.Set(1, 1, 0, 1).Miss(0, 100, 101).Check(), []);
        AssertOnly(History.Set(0, 1, 0, 1).Remove(1, 5, 500).Miss(0, 10, 11).Check(), []);
    }

    [Fact]
    public void What_the_process_has_not_seen_for_a_minute_may_be_missed_until_the_end()
    {
        AssertOnly(History.Set(0, 1, 0, 1).Miss(0, 60_100, 60_101).Hit(2, (0, 1), 70_000, 70_001, atEnd: true).Check(), []);
        AssertOnly(History.Set(0, 1, 0, 1).Hit(0, (0, 1), 30_000, 30_001).Miss(0, 60_100, 60_101).Check(), [findings => findings.Missed]);
    }

    [Fact]
    public void A_touch_that_may_have_come_too_late_prolongs_nothing_for_certain() =>
        AssertOnly(History.Set(0, 1, 0, 1, sliding: 1600).Hit(0, (0, 1), 1550, 1551).Miss(0, 1800, 1801).Miss(2, 1900, 1901, atEnd: true).Check(), []);

    [Fact]
    public void Where_every_copy_died_the_loss_is_unavoidable_and_what_came_later_must_stay()
    {
        AssertOnly(
            History.Set(0, 1, 0, 1).Happened(ShardEventKind.DataLost, 50, 100).Miss(0, 200, 201).Miss(2, 1000, 1001, atEnd: true).Check(),
            [findings => findings.Unavoidable]);
        AssertOnly(
            History.Happened(ShardEventKind.DataLost, 50, 100).Set(0, 1, 150, 151).Miss(2, 1000, 1001, atEnd: true).Check(),
            [findings => findings.Lost]);
    }

    [Fact]
    public void What_was_written_while_memory_was_short_may_be_missing_but_not_give_way_to_an_older_value()
    {
        AssertOnly(
            History.Set(0, 1, 60, 61).Happened(ShardEventKind.MayEvict, 50, 100).Miss(0, 70, 71).Miss(2, 1000, 1001, atEnd: true).Check(), []);
        AssertOnly(
            History.Set(0, 1, 0, 1).Happened(ShardEventKind.MayEvict, 50, 100).Miss(2, 1000, 1001, atEnd: true).Check(),
            [findings => findings.Lost]);
        AssertOnly(
            History.Set(0, 1, 0, 1).Set(0, 2, 60, 61).Happened(ShardEventKind.MayEvict, 50, 100).Hit(2, (0, 1), 1000, 1001, atEnd: true).Check(),
            [findings => findings.Lost]);
    }

    [Fact]
    public void A_flush_removes_everything_written_well_before_it()
    {
        AssertOnly(History.Set(0, 1, 0, 1).Happened(ShardEventKind.Flushed, 2000, 2001).Miss(0, 2100, 2101).Miss(2, 9000, 9001, atEnd: true).Check(), []);
        AssertOnly(
            History.Set(0, 1, 0, 1).Happened(ShardEventKind.Flushed, 2000, 2001).Hit(2, (0, 1), 9000, 9001, atEnd: true).Check(),
            [findings => findings.Resurrected]);
        AssertOnly(
            History.Happened(ShardEventKind.Flushed, 2000, 2001).Set(0, 1, 4000, 4001).Miss(2, 9000, 9001, atEnd: true).Check(),
            [findings => findings.Lost]);
    }

    /// <summary>One finding of each kind that is named, none of the others.</summary>
    private static void AssertOnly(Findings findings, Func<Findings, Findings.Finding>[] expected)
    {
        Findings.Finding[] all = [findings.Lost, findings.Unavoidable, findings.Resurrected, findings.Stale, findings.Missed, findings.Wrong];
        Findings.Finding[] one = [.. expected.Select(kind => kind(findings))];
        Assert.Equal(
            all.Select(finding => one.Contains(finding) ? "1" : "0"),
            all.Select(finding => finding.Count == 0 ? "0" : finding.Count == 1 ? "1" : string.Join("; ", finding.Examples)));
    }
}
