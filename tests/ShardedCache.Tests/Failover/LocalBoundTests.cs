using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

/// <summary>What a local store gives up when its copies or the journals are beyond their bounds.</summary>
public sealed class LocalBoundTests : IDisposable
{
    private const int Stripes = 16;

    private const string Tag = "{tag}";

    private static readonly long EntrySize = LocalEntry.Overhead + ((Tag.Length + 1) * sizeof(char)) + 100;

    private LocalWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Beyond_their_bound_the_oldest_copies_go_but_for_those_used_since()
    {
        Use(new LocalWorld(standbyBytes: Stripes * 3 * EntrySize));
        Copy("a");
        Copy("b");
        Copy("c");
        _world.Find(Tag + "a")!.WasUsed = true;

        Copy("d");
        Assert.Equal("acd", Kept("abcd"));

        Copy("e");
        Copy("f");
        Assert.Equal("aef", Kept("abcdef"));
        Assert.Equal(3 * EntrySize, _world.Store.StandbyBytes);
    }

    [Fact]
    public void Removals_of_whole_groups_outlast_other_copies_but_keep_to_the_bound_and_end_with_their_time()
    {
        Use(new LocalWorld(standbyBytes: Stripes * 3 * EntrySize));
        RemoveGroup("a");
        Copy("b");
        Copy("c");
        Copy("d");
        Copy("e");
        Assert.Equal("ade", Kept("abcde"));

        foreach (var group in "fghijk")
        {
            RemoveGroup(group.ToString());
        }

        Assert.InRange(_world.Store.StandbyBytes, 1, 3 * EntrySize);
        Assert.DoesNotContain('f', Kept("adefghijk"));
        Assert.Contains('k', Kept("adefghijk"));

        _world.Time.Advance(LocalWorld.TombstoneLife);
        Copy("l");
        Copy("m");
        Copy("n");
        Assert.Equal("lmn", Kept("adefghijklmn"));
    }

    [Fact]
    public void A_removal_of_a_whole_group_outlasts_copies_that_were_used_and_written_again()
    {
        Use(new LocalWorld(standbyBytes: Stripes * 3 * EntrySize) { ReusesEntries = true });
        RemoveGroup("a");
        Copy("b");
        Copy("c");
        Copy("b").WasUsed = true;
        Copy("c").WasUsed = true;
        var last = _world.Set(Tag + "d", new byte[100], _world.First);
        last.WasUsed = true;
        _world.Store.Answered(last, _world.First, isAcknowledged: true);

        _world.Prove();

        Assert.Contains('a', Kept("abcd"));
        Assert.InRange(_world.Store.StandbyBytes, 1, 3 * EntrySize);
    }

    [Fact]
    public void What_is_not_proven_yet_is_not_evicted_and_does_not_count_as_a_copy()
    {
        Use(new LocalWorld(standbyBytes: Stripes * 2 * EntrySize));
        _world.Set(Tag + "a", new byte[100], sentOn: null);
        _world.Set(Tag + "b", new byte[100], _world.First);
        Copy("c");
        Copy("d");
        Copy("e");

        Assert.Equal("abde", Kept("abcde"));
    }

    [Fact]
    public void A_copy_that_is_touched_leaves_the_copies_bound_for_the_journal_s()
    {
        var entry = Copy("a");
        Assert.Equal(0, _world.Budget.Used);

        _world.Touch(entry, sentOn: null);

        Assert.Equal((EntrySize, 0L), (_world.Budget.Used, _world.Store.StandbyBytes));
    }

    [Fact]
    public void Beyond_the_journal_s_bound_the_oldest_values_are_dropped_and_their_keys_are_still_invalidated()
    {
        Use(new LocalWorld(journalBytes: 4 * EntrySize));
        foreach (var key in "abcd")
        {
            _world.Set(Tag + key, new byte[100], sentOn: null);
        }

        Assert.Equal(4 * EntrySize, _world.Budget.Used);
        var stamp = _world.Find(Tag + "a")!.Header.Stamp;

        _world.Set(Tag + "e", new byte[100], sentOn: null);

        Assert.InRange(_world.Budget.Used, 0, 4 * EntrySize);
        var oldest = Assert.IsType<LocalEntry>(_world.Find(Tag + "a"));
        Assert.Equal((LocalKind.Invalidation, Standing.Pending, stamp), (oldest.Kind, oldest.Standing, oldest.Header.Stamp));
        Assert.Null(oldest.Payload);
        Assert.True(oldest.Header.IsTombstone && oldest.Overlays);
        Assert.Equal(LocalKind.Value, _world.Find(Tag + "e")!.Kind);
        Assert.Equal(5, _world.Store.Undelivered);
    }

    [Fact]
    public void What_was_only_read_goes_first_and_stays_known()
    {
        Use(new LocalWorld(journalBytes: 5 * EntrySize));
        _world.Set(Tag + "a", new byte[100], sentOn: null);
        _world.Observe(Tag + "b", EntryHeader.Value(_world.Clock.Next(), default), new byte[400], _world.First);
        _world.Set(Tag + "c", new byte[100], sentOn: null);
        _world.Set(Tag + "d", new byte[100], sentOn: null);

        _world.Set(Tag + "e", new byte[100], sentOn: null);

        Assert.All("acde", key => Assert.NotNull(_world.Find($"{Tag}{key}")?.Payload));
        Assert.Equal((LocalKind.Value, true), (_world.Find(Tag + "b")!.Kind, _world.Find(Tag + "b")!.Payload is null));
        Assert.InRange(_world.Budget.Used, 0, 5 * EntrySize);
    }

    [Fact]
    public void When_no_value_is_left_the_oldest_keys_are_forgotten()
    {
        Use(new LocalWorld(journalBytes: 10 * EntrySize));

        for (var i = 0; i < 26; i++)
        {
            _world.Remove(Tag + (char)('a' + i), sentOn: null);
        }

        Assert.InRange(_world.Budget.Used, 8 * EntrySize, 10 * EntrySize);
        var kept = Kept("abcdefghijklmnopqrstuvwxyz");
        Assert.EndsWith(kept, "abcdefghijklmnopqrstuvwxyz", StringComparison.Ordinal);
        Assert.Equal((kept.Length, kept.Length), (_world.Store.Pending, _world.Store.JournalCount));
    }

    [Fact]
    public void Empty_values_are_not_dropped_for_the_sake_of_memory_that_they_do_not_take()
    {
        Use(new LocalWorld(journalBytes: 10 * EntrySize));
        for (var i = 0; i < 26; i++)
        {
            _world.Set(Tag + (char)('a' + i), [], sentOn: null);
            Assert.InRange(_world.Budget.Used, 0, 10 * EntrySize);
        }

        Assert.All(Kept("abcdefghijklmnopqrstuvwxyz"), key => Assert.Equal(LocalKind.Value, _world.Find($"{Tag}{key}")?.Kind));
    }

    [Fact]
    public void The_longest_journal_gives_up_its_values_and_the_others_keep_theirs()
    {
        Use(new LocalWorld(journalBytes: 200 * EntrySize));
        var other = new LocalStore("shard-1", _world.Limits, _world.Budget, _world.Clock, _world.Metrics);
        for (var i = 0; i < 4; i++)
        {
            Put(other, $"other-{i}");
        }

        for (var i = 0; i < 1000; i++)
        {
            _world.Set($"{i:D6}", new byte[100], sentOn: null);
            Assert.InRange(_world.Budget.Used, 0, 200 * EntrySize);
        }

        Assert.Equal(4, other.JournalCount);
        Assert.All(Enumerable.Range(0, 4), i => Assert.Equal(LocalKind.Value, other.Find(LocalWorld.Key($"other-{i}"))?.Kind));
        Assert.Equal(LocalKind.Value, _world.Find($"{999:D6}")?.Kind);
        Assert.NotEqual(LocalKind.Value, _world.Find($"{0:D6}")?.Kind);
    }

    [Fact]
    public void A_value_whose_bytes_were_given_up_takes_none_of_the_budget_when_it_is_gone()
    {
        var entry = _world.Set("key", new byte[500], sentOn: null);
        var stripe = _world.Store.StripeOf(entry.Key);

        Assert.Equal(500, stripe.Shrink(entry));
        Assert.Equal(entry.Size, _world.Budget.Used);
        Assert.Equal(1, stripe.Pending);

        _world.Store.Forget(entry);
        Assert.Equal((0L, 0), (_world.Budget.Used, stripe.Pending));
    }

    [Fact]
    public void The_budget_is_empty_again_when_everything_is_forgotten()
    {
        for (var i = 0; i < 200; i++)
        {
            var entry = _world.Set($"key-{i}", new byte[i], i % 2 == 0 ? _world.First : null);
            _world.Store.Answered(entry, _world.First, isAcknowledged: i % 4 == 0);
        }

        _world.Prove();
        Assert.True(_world.Budget.Used > 0 && _world.Store.StandbyBytes > 0);

        for (var i = 0; i < 200; i++)
        {
            _world.Forget($"key-{i}");
        }

        Assert.Equal((0L, 0L, 0, 0), (_world.Budget.Used, _world.Store.StandbyBytes, _world.Store.JournalCount, _world.Store.Pending));
    }

    [Fact]
    public void Each_value_that_is_dropped_and_each_key_that_is_forgotten_is_counted()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var factory = services.GetRequiredService<IMeterFactory>();
        var counts = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Scope == factory && instrument.Name == "shardedcache.journal.dropped")
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            var reason = (string)tags.ToArray().Single(static tag => tag.Key == "shardedcache.journal.dropped.reason").Value!;
            counts[reason] = counts.GetValueOrDefault(reason) + count;
        });
        listener.Start();
        Use(new LocalWorld(journalBytes: 10 * EntrySize, meters: factory));

        for (var i = 0; i < 100; i++)
        {
            _world.Set($"{Tag}{i}", new byte[100], sentOn: null);
        }

        var entries = Enumerable.Range(0, 100).Select(i => _world.Find($"{Tag}{i}")).ToList();
        Assert.Equal(entries.Count(static entry => entry is null), counts["key_beyond_bound"]);
        Assert.InRange(counts["value_beyond_bound"], entries.Count(static entry => entry is null or { Payload: null }) - 1, 100);
    }

    private void Use(LocalWorld world)
    {
        _world.Dispose();
        _world = world;
    }

    private void RemoveGroup(string group)
    {
        var key = LocalWorld.Key(Tag + group);
        var stripe = _world.Store.StripeOf(key);
        LocalEntry entry;
        lock (stripe.Lock)
        {
            var stamp = _world.Clock.Next();
            entry = stripe.Create(key, LocalKind.Tombstone, EntryHeader.Tombstone(stamp), null);
            (entry.Group, entry.IsShared) = (new GroupOperation(key, key, stamp, isRemovalOfAll: true), true);
            _world.Store.Write(stripe, entry, _world.First);
        }

        _world.Store.Answered(entry, _world.First, isAcknowledged: true);
        _world.Prove();
    }

    private LocalEntry Copy(string key) => _world.Replicated(Tag + key, new byte[100], LocalWorld.Sliding(TimeSpan.FromHours(1)));

    private string Kept(string keys) => string.Concat(keys.Where(key => _world.Find($"{Tag}{key}") is not null));

    private void Put(LocalStore store, string name)
    {
        var key = LocalWorld.Key(name);
        var stripe = store.StripeOf(key);
        lock (stripe.Lock)
        {
            store.Write(stripe, stripe.Create(key, LocalKind.Value, EntryHeader.Value(_world.Clock.Next(), default), PayloadCopy.Of(new byte[100])), null);
        }

        store.Added();
    }
}
