using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

/// <summary>What a local store learns from what its master says to reads, and what prolongs an entry's life.</summary>
public sealed class LocalStoreReadTests : IDisposable
{
    private readonly LocalWorld _world = new();

    private LocalStore Store => _world.Store;

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task While_a_write_is_owed_no_later_one_of_its_key_lets_a_read_pass_by_it(bool reusesEntries)
    {
        using var world = new LocalWorld { ReusesEntries = reusesEntries };
        var key = LocalWorld.Key("key");
        world.Set("key", [1], sentOn: null);
        using var stop = new CancellationTokenSource();
        var looking = Task.Run(() =>
        {
            var looks = 0;
            for (; !stop.IsCancellationRequested; looks++)
            {
                Assert.False(world.Store.Lookup.TryLook(key, LocalTable.HashOf("key"), out _));
            }

            return looks;
        });
        for (var i = 0; i < 100_000 && !looking.IsCompleted; i++)
        {
            world.Set("key", [2], world.First);
        }

        await stop.CancelAsync();
        Assert.True(await looking > 0);
        world.Store.Answered(world.Find("key")!, world.First, isAcknowledged: true);
        world.Find("key");
        Assert.True(world.Store.Lookup.TryLook(key, LocalTable.HashOf("key"), out var known));
        Assert.Equal(world.Find("key")!.Header.Stamp, known.Stamp);
    }

    [Fact]
    public void What_was_read_is_in_the_journal_until_it_is_proven_because_a_replica_may_not_have_it()
    {
        _world.Observe("key", Header(), [1], _world.First);
        Assert.Equal((Standing.Acknowledged, 0), (_world.Find("key")?.Standing, Store.Undelivered));

        _world.Prove();

        Assert.Equal(Standing.Standby, _world.Find("key")?.Standing);
        Assert.Equal([1], _world.Value("key"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_newer_version_that_was_read_replaces_what_was_known(bool isWritten)
    {
        var known = isWritten ? _world.Set("key", [1], sentOn: null) : _world.Replicated("key", [1]);

        _world.Observe("key", Header(), [2], _world.First, known);

        Assert.Equal([2], _world.Value("key"));
        Assert.Equal((Standing.Acknowledged, 0), (_world.Find("key")?.Standing, Store.Pending));
    }

    [Fact]
    public void An_older_version_than_an_own_write_that_is_on_its_way_is_not_taken_over()
    {
        var older = Header();
        var sent = _world.Set("sent", [2], _world.First);
        var pending = _world.Set("pending", [2], sentOn: null);
        var removed = _world.Remove("removed", sentOn: null);

        _world.Observe("sent", older, [1], _world.First, sent);
        _world.Observe("pending", older, [1], _world.First, pending);
        _world.Observe("removed", older, [1], _world.First, removed);

        Assert.Same(sent, _world.Find("sent"));
        Assert.Same(pending, _world.Find("pending"));
        Assert.Same(removed, _world.Find("removed"));
    }

    [Fact]
    public void A_session_that_a_read_does_not_find_stays_where_it_was_on_its_way_behind_that_read_and_lives_by_it()
    {
        var (key, window) = (LocalWorld.Key("session"), TimeSpan.FromMinutes(20));
        var stripe = Store.StripeOf(key);
        KnownSession known;
        lock (stripe.Lock)
        {
            var changes = new SessionChanges(false, new Dictionary<string, byte[]?> { ["a"] = [1] }, 1);
            Store.WriteSession(stripe, key, null, changes, (long)window.TotalMilliseconds, sentOn: null);
            stripe.Move(stripe.Find(key.Name)!, Standing.Sent, _world.First);
        }

        _world.Time.Advance(window / 2);
        known = Store.KnownOf(key);
        Store.Answered(EntryRef.To(Store.Find(key)), _world.First, isAcknowledged: true);
        Assert.Equal(Standing.Acknowledged, Store.Find(key)?.Standing);

        var found = Store.ObserveNoSession(key, known, _world.First);

        Assert.Equal([1], found?.Items["a"].Value);
        Assert.InRange(Store.Find(key)!.ExpiresAt, _world.Now + (long)window.TotalMilliseconds, long.MaxValue);
        Assert.Equal(1, Store.JournalCount);
    }

    [Fact]
    public void A_value_that_its_server_has_no_more_is_no_write_of_this_process()
    {
        _world.Observe("key", Header(), [1], _world.First);
        Store.ObserveMissing(EntryRef.To(_world.Find("key")), _world.First);
        var entry = _world.Find("key")!;
        lock (entry.Stripe.Lock)
        {
            entry.Stripe.Move(entry, Standing.Pending, null);
        }

        Assert.Equal((LocalKind.Tombstone, 1, 0), (entry.Kind, Store.Pending, Store.Undelivered));
    }

    [Fact]
    public void A_read_that_was_sent_before_an_own_write_does_not_replace_it()
    {
        var older = Header();
        var known = _world.Replicated("key", [1]);
        var written = _world.Set("key", [2], _world.First);
        Store.Answered(written, _world.First, isAcknowledged: true);

        _world.Observe("key", older, [0], _world.First, known);

        Assert.Same(written, _world.Find("key"));
    }

    [Fact]
    public void An_older_version_is_taken_over_where_the_master_had_all_that_was_known()
    {
        var older = Header();
        var known = _world.Replicated("key", [2]);

        _world.Observe("key", older, [1], _world.First, known);

        Assert.Equal([1], _world.Value("key"));
    }

    [Fact]
    public void An_older_version_read_on_another_connection_than_the_acknowledged_one_is_not_taken_over()
    {
        var older = Header();
        var known = _world.Set("key", [2], _world.First);
        Store.Answered(known, _world.First, isAcknowledged: true);

        _world.Observe("key", older, [1], _world.Second, known);

        Assert.Same(known, _world.Find("key"));
    }

    [Fact]
    public void The_same_version_read_again_keeps_the_copy_at_hand()
    {
        var known = _world.Replicated("key", [1]);

        _world.Observe("key", known.Header, null, _world.First, known);

        Assert.Equal([1], _world.Value("key"));
    }

    [Fact]
    public void A_tombstone_that_was_read_hides_the_copy()
    {
        var known = _world.Replicated("key", [1]);

        _world.Observe("key", EntryHeader.Tombstone(_world.Clock.Next()), null, _world.First, known);
        _world.Prove();

        Assert.Equal((LocalKind.Tombstone, Standing.Standby), (_world.Find("key")?.Kind, _world.Find("key")?.Standing));
        Assert.Null(_world.Value("key"));
    }

    [Fact]
    public void A_payload_too_large_to_keep_hides_the_copy_of_its_older_version_and_is_forgotten_when_proven()
    {
        var known = _world.Replicated("key", [1]);

        _world.Observe("key", Header(), null, _world.First, known);
        Assert.Equal(LocalKind.Value, _world.Find("key")?.Kind);
        Assert.Null(_world.Value("key"));
        _world.Prove();

        Assert.Null(_world.Find("key"));
    }

    [Fact]
    public void Of_a_key_that_the_master_does_not_have_any_more_only_the_stamp_stays()
    {
        var copy = _world.Replicated("copy", [1]);
        var acknowledged = _world.Set("acknowledged", [1], _world.First);
        Store.Answered(acknowledged, _world.First, isAcknowledged: true);
        var before = _world.Find("copy")!.Header.Stamp.Before();

        Store.ObserveMissing(copy, _world.First);
        Store.ObserveMissing(acknowledged, _world.First);

        Assert.Equal((LocalKind.Tombstone, Standing.Standby, before), (_world.Find("copy")!.Kind, _world.Find("copy")!.Standing, _world.Find("copy")!.Header.Stamp));
        Assert.Equal((LocalKind.Tombstone, Standing.Acknowledged), (_world.Find("acknowledged")!.Kind, _world.Find("acknowledged")!.Standing));
    }

    [Fact]
    public void A_key_that_the_master_does_not_have_stays_where_it_has_not_got_it_yet()
    {
        var replaced = _world.Replicated("replaced", [1]);
        _world.Set("replaced", [2], _world.First);
        var sent = _world.Set("sent", [1], _world.First);
        var pending = _world.Set("pending", [1], sentOn: null);
        var elsewhere = _world.Set("elsewhere", [1], _world.Second);
        Store.Answered(elsewhere, _world.Second, isAcknowledged: true);

        Assert.All([sent, pending, elsewhere, replaced], entry => Store.ObserveMissing(entry, _world.First));

        Assert.All(["sent", "pending", "elsewhere", "replaced"], key => Assert.NotNull(_world.Find(key)));
    }

    [Fact]
    public void A_touch_prolongs_a_sliding_copy_and_is_itself_kept_until_it_is_proven()
    {
        var entry = _world.Replicated("key", [1], LocalWorld.Sliding(TimeSpan.FromMinutes(1)));
        _world.Time.Advance(TimeSpan.FromSeconds(40));

        _world.Touch(entry, _world.First);

        Assert.Equal(_world.Now + 63_750, entry.ExpiresAt);
        Assert.Equal((Standing.Acknowledged, true, _world.Now), (entry.Standing, entry.IsTouchOnly, entry.TouchedAt));
        Assert.Equal(0, Store.Undelivered);
        _world.Prove();
        Assert.Equal((Standing.Standby, false, 0L), (entry.Standing, entry.IsTouchOnly, entry.TouchedAt));
        Assert.Equal(0, _world.Budget.Used);
    }

    [Fact]
    public void A_touch_that_nobody_could_be_told_is_pending_and_hides_no_answer_of_the_master()
    {
        var entry = _world.Replicated("key", [1], LocalWorld.Sliding(TimeSpan.FromMinutes(1)));

        _world.Touch(entry, sentOn: null);

        Assert.Equal((Standing.Pending, false, 0), (entry.Standing, entry.Overlays, Store.Undelivered));
    }

    [Fact]
    public void A_touch_of_what_is_not_proven_yet_has_to_be_proven_anew()
    {
        var entry = _world.Set("key", [1], _world.First, LocalWorld.Sliding(TimeSpan.FromMinutes(1)));
        Store.Answered(entry, _world.First, isAcknowledged: true);
        Store.Close(1);

        _world.Touch(entry, _world.First);
        Store.Retire(1);

        Assert.Equal((Standing.Acknowledged, false), (entry.Standing, entry.IsTouchOnly));
    }

    [Fact]
    public void A_refresh_of_an_unknown_key_is_remembered_by_itself_until_it_is_proven()
    {
        Store.Refresh(LocalWorld.Key("told"), _world.First);
        Store.Refresh(LocalWorld.Key("untold"), null);

        Assert.Equal((LocalKind.Refresh, Standing.Acknowledged), (_world.Find("told")?.Kind, _world.Find("told")?.Standing));
        Assert.Equal((LocalKind.Refresh, Standing.Pending), (_world.Find("untold")?.Kind, _world.Find("untold")?.Standing));
        Assert.Equal((1, 0, false), (Store.Pending, Store.Undelivered, _world.Find("untold")?.Overlays));
        _world.Prove();
        Assert.Null(_world.Find("told"));
        Assert.NotNull(_world.Find("untold"));
    }

    [Fact]
    public void Whatever_is_read_replaces_a_refresh()
    {
        Store.Refresh(LocalWorld.Key("key"), null);

        _world.Observe("key", Header(), [1], _world.First, _world.Find("key"));

        Assert.Equal([1], _world.Value("key"));
    }

    [Fact]
    public void A_refresh_revives_neither_what_was_removed_nor_what_has_expired()
    {
        var removed = _world.Remove("removed", sentOn: null);
        var expired = _world.Replicated("expired", [1], LocalWorld.Sliding(TimeSpan.FromSeconds(1)));
        _world.Time.Advance(TimeSpan.FromSeconds(1));

        Store.Refresh(removed.Key, null);
        Store.Refresh(expired.Key, null);

        Assert.Equal(LocalKind.Tombstone, _world.Find("removed")?.Kind);
        Assert.True(_world.Find("expired")?.HasExpired(_world.Now));
        Assert.False(removed.IsTouchOnly);
        Assert.True(expired is { Standing: Standing.Pending, IsTouchOnly: true, Overlays: false });
    }

    [Fact]
    public void The_earlier_of_absolute_and_sliding_expiration_ends_an_entry()
    {
        var both = _world.Set("key", [1], _world.First, _world.Absolute(TimeSpan.FromSeconds(90)) with { SlidingMilliseconds = 60_000 });
        Assert.Equal(_world.Now + 63_750, both.ExpiresAt);
        var absolute = both.Header.AbsoluteMilliseconds;

        _world.Time.Advance(TimeSpan.FromSeconds(50));
        _world.Touch(both, _world.First);

        Assert.Equal(absolute, both.ExpiresAt);
    }

    private EntryHeader Header() => EntryHeader.Value(_world.Clock.Next(), default);
}
