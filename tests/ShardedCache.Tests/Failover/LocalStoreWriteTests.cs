using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

/// <summary>How a write of this process comes through its local store.</summary>
public sealed class LocalStoreWriteTests : IDisposable
{
    private readonly LocalWorld _world = new();

    private LocalStore Store => _world.Store;

    public void Dispose() => _world.Dispose();

    [Fact]
    public void A_write_is_sent_acknowledged_proven_and_then_a_copy()
    {
        var entry = _world.Set("key", [1, 2], _world.First);
        Assert.Equal((Standing.Sent, 0), (entry.Standing, entry.Round));
        Assert.Equal((1, 0, 1), (Store.JournalCount, Store.Pending, Store.Undelivered));

        Store.Answered(entry, _world.First, isAcknowledged: true);
        Assert.Equal((Standing.Acknowledged, 0), (entry.Standing, Store.Undelivered));

        Assert.Equal(1, entry.Round);
        Store.Close(1);
        Store.Retire(0);
        Assert.Equal(Standing.Acknowledged, entry.Standing);

        Store.Retire(1);
        Assert.Equal(Standing.Standby, entry.Standing);
        Assert.Equal([1, 2], _world.Value("key"));
        Assert.Equal((0, 0L, 0L, entry.Size), (Store.JournalCount, Store.JournalBytes, _world.Budget.Used, Store.StandbyBytes));
    }

    [Fact]
    public void A_write_without_a_connection_or_an_answer_is_pending()
    {
        var unsent = _world.Set("unsent", [1], sentOn: null);
        var unanswered = _world.Set("unanswered", [1], _world.First);
        Store.Answered(unanswered, _world.First, isAcknowledged: false);

        Assert.Equal((Standing.Pending, Standing.Pending), (unsent.Standing, unanswered.Standing));
        Assert.True(unsent.Overlays && unanswered.Overlays);
        Assert.Equal((2, 2), (Store.Pending, Store.Undelivered));
    }

    [Fact]
    public void What_no_master_has_acknowledged_is_never_taken_for_proven()
    {
        var sent = _world.Set("sent", [1], _world.First);
        var pending = _world.Set("pending", [1], sentOn: null);

        _world.Prove();

        Assert.Equal((Standing.Sent, Standing.Pending), (sent.Standing, pending.Standing));
    }

    [Fact]
    public void A_newer_version_replaces_the_older_one_wherever_that_is()
    {
        var copy = _world.Replicated("key", [1]);

        var sent = _world.Set("key", [2], _world.First);
        var removed = _world.Remove("key", sentOn: null);
        var last = _world.Set("key", [3, 3], _world.First);

        Assert.True(copy.IsDetached && sent.IsDetached && removed.IsDetached);
        Assert.Same(last, _world.Find("key"));
        Assert.Null(sent.Payload);
        Assert.Equal((1, 0, 0L, last.Size), (Store.JournalCount, Store.Pending, Store.StandbyBytes, Store.JournalBytes));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_late_answer_of_a_replaced_version_changes_nothing(bool isAcknowledged)
    {
        var first = _world.Set("key", [1], _world.First);
        var second = _world.Set("key", [2], _world.First);

        Store.Answered(first, _world.First, isAcknowledged);

        Assert.Equal(Standing.Sent, second.Standing);
        Assert.Equal((1, 0), (Store.JournalCount, Store.Pending));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_late_answer_of_an_old_connection_changes_nothing(bool isAcknowledged)
    {
        var pending = _world.Set("pending", [1], _world.First);
        var resent = _world.Set("resent", [1], _world.First);
        Store.StripeOf(pending.Key).Move(pending, Standing.Pending, null);
        Store.StripeOf(resent.Key).Move(resent, Standing.Sent, _world.Second);

        Store.Answered(pending, _world.First, isAcknowledged);
        Store.Answered(resent, _world.First, isAcknowledged);

        Assert.Equal((Standing.Pending, Standing.Sent), (pending.Standing, resent.Standing));
    }

    [Fact]
    public void What_a_connection_that_serves_no_longer_has_acknowledged_is_sent_again()
    {
        var entry = _world.Set("key", [1], _world.First);
        Store.Serve(_world.Second);

        Store.Answered(entry, _world.First, isAcknowledged: true);

        Assert.Equal((Standing.Pending, 1), (entry.Standing, Store.Pending));
    }

    [Fact]
    public void A_round_covers_what_was_acknowledged_before_it_and_not_what_comes_later()
    {
        var before = _world.Set("before", [1], _world.First);
        var after = _world.Set("after", [1], _world.First);
        Store.Answered(before, _world.First, isAcknowledged: true);
        Store.Close(1);
        Store.Answered(after, _world.First, isAcknowledged: true);
        Store.Close(2);

        Store.Retire(1);

        Assert.Equal((Standing.Standby, Standing.Acknowledged), (before.Standing, after.Standing));
    }

    [Fact]
    public void An_entry_that_is_not_proven_yet_does_not_hold_back_younger_ones_that_are()
    {
        var hot = _world.Set("{tag}hot", [1], _world.First, LocalWorld.Sliding(TimeSpan.FromSeconds(5)));
        var other = _world.Set("{tag}other", [1], _world.First);
        Store.Answered(hot, _world.First, isAcknowledged: true);
        Store.Answered(other, _world.First, isAcknowledged: true);
        Store.Close(1);
        _world.Touch(hot, _world.First);
        Store.Close(2);

        Store.Retire(1);

        Assert.Equal((Standing.Acknowledged, Standing.Standby), (hot.Standing, other.Standing));
    }

    [Fact]
    public void A_removal_that_is_proven_stays_to_be_compared_with()
    {
        var removal = _world.Remove("key", _world.First);
        Store.Answered(removal, _world.First, isAcknowledged: true);

        _world.Prove();

        Assert.Equal(Standing.Standby, _world.Find("key")?.Standing);
    }

    [Fact]
    public void A_payload_too_large_for_a_copy_is_in_the_journal_and_forgotten_when_it_is_proven()
    {
        var large = _world.Set("key", new byte[1001], _world.First);
        Assert.Equal(1001, _world.Value("key")?.Length);
        Store.Answered(large, _world.First, isAcknowledged: true);

        _world.Prove();

        Assert.Null(_world.Find("key"));
        Assert.Equal((0L, 0L), (_world.Budget.Used, Store.StandbyBytes));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_value_that_the_master_had_no_room_for_becomes_an_invalidation_of_the_same_stamp(bool isAcknowledged)
    {
        var entry = _world.Set("key", [1], _world.First);
        var stamp = entry.Header.Stamp;

        Store.Evicted(entry, isAcknowledged);

        var found = Assert.IsType<LocalEntry>(_world.Find("key"));
        Assert.Equal((LocalKind.Invalidation, stamp), (found.Kind, found.Header.Stamp));
        Assert.Equal(isAcknowledged ? Standing.Acknowledged : Standing.Pending, found.Standing);
        Assert.Null(found.Payload);
    }

    [Fact]
    public void An_eviction_of_a_version_that_was_replaced_changes_nothing()
    {
        var first = _world.Set("key", [1], _world.First);
        _world.Set("key", [2], _world.First);

        Store.Evicted(first, isAcknowledged: true);

        Assert.Equal([2], _world.Value("key"));
    }

    [Fact]
    public void A_record_that_is_superseded_on_the_connection_of_its_replay_counts_as_acknowledged_and_on_no_other()
    {
        var entry = _world.Set("key", [1], _world.Second);

        Store.Superseded(entry, _world.First);
        Assert.Equal(Standing.Sent, entry.Standing);

        Store.Superseded(entry, _world.Second);
        Assert.Same(entry, _world.Find("key"));
        Assert.Equal(Standing.Acknowledged, entry.Standing);

        // A copy of what was replaced, which is read where nobody can be asked who has the later one.
        _world.Prove();
        Assert.Equal(Standing.Standby, entry.Standing);
        Assert.Equal(0, _world.Budget.Used);
    }

    [Fact]
    public void A_write_that_sought_another_key_s_entry_leaves_that_alone()
    {
        using var world = new LocalWorld { ReusesEntries = true, RenewsEntries = true };
        world.Set("{tag}other", [1], world.First);
        var key = LocalWorld.Key("{tag}key");
        var stripe = world.Store.StripeOf(key);
        lock (stripe.Lock)
        {
            var sought = stripe.Seek(LocalTable.HashOf("{tag}other"));
            Assert.NotNull(sought);
            world.Store.Write(stripe, sought, key, EntryHeader.Value(world.Clock.Next(), default), PayloadSource.Of(new([2])), world.First);
        }

        Assert.Equal([1], world.Value("{tag}other"));
        Assert.Equal([2], world.Value("{tag}key"));
    }

    [Fact]
    public void A_value_that_cannot_be_read_leaves_its_key_invalidated_and_the_journal_whole()
    {
        using var world = new LocalWorld { ReusesEntries = true, RenewsEntries = true };
        string[] names = ["{tag}before", "{tag}key", "{tag}after"];
        foreach (var name in names)
        {
            world.Set(name, [1], world.First);
        }

        var key = LocalWorld.Key("{tag}key");
        var stripe = world.Store.StripeOf(key);
        lock (stripe.Lock)
        {
            Assert.Throws<InvalidOperationException>(() => world.Store.Write(
                stripe, stripe.Seek(LocalTable.HashOf(key.Name)), key, EntryHeader.Value(world.Clock.Next(), default), PayloadSource.Of(new(new UnreadableMemory().Memory)), world.First));
        }

        Assert.Equal(LocalKind.Invalidation, world.Find(key.Name)?.Kind);
        world.Set(key.Name, [2], world.First);
        Assert.Equal(names.Length, world.Store.JournalCount);
        Assert.Equal(names.Length, world.Store.Undelivered);
        Assert.Equal([2], world.Value(key.Name));
    }

    [Fact]
    public void A_page_that_is_superseded_is_not_read_any_more_and_hides_what_is_older()
    {
        var page = _world.Set("key", [1], _world.First);
        page.Page = new PageRecord([]);
        var stamp = page.Header.Stamp;

        Store.Superseded(page, _world.First);

        var left = _world.Find("key")!;
        Assert.Equal((LocalKind.Invalidation, Standing.Acknowledged, true), (left.Kind, left.Standing, left.HasYielded));
        Assert.Equal(stamp, left.Header.Stamp);
        Assert.Null(left.Payload);
    }

    [Fact]
    public async Task Who_waits_for_work_is_woken_by_the_first_write_and_does_not_wait_while_there_is_some()
    {
        var idle = Store.WaitForWorkAsync();
        Assert.False(idle.IsCompleted);

        var entry = _world.Set("key", [1], sentOn: null);
        await idle.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.True(Store.WaitForWorkAsync().IsCompleted);

        Store.Forget(entry);
        Assert.False(Store.WaitForWorkAsync().IsCompleted);
    }

    [Fact]
    public void An_answer_that_comes_after_its_entry_was_used_for_another_key_changes_nothing()
    {
        using var world = new LocalWorld { ReusesEntries = true };
        var first = EntryRef.To(world.Set("{tag}first", [1], world.First));
        world.Store.Forget(first);
        var second = world.Set("{tag}second", [2], world.First);
        Assert.Same(first.Entry, second);

        world.Store.Answered(first, world.First, isAcknowledged: true);
        world.Store.Evicted(first, isAcknowledged: true);
        world.Store.Superseded(first, world.First);
        world.Store.ObserveMissing(first, world.First);
        world.Store.Forget(first);

        Assert.Equal(Standing.Sent, second.Standing);
        Assert.Equal([2], world.Value("{tag}second"));
    }
}
