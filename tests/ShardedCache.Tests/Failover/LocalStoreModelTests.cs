using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

/// <summary>Whatever happens in whatever order, what a local store counts is what it holds.</summary>
public class LocalStoreModelTests
{
    private const int Keys = 12;

    [Fact]
    public void Counts_sizes_and_lists_agree_after_any_operations() => Prop.ForAll(
        Operations(),
        static operations =>
        {
            using var world = NewWorld(renewsEntries: true);
            var round = 1L;
            var entries = new EntryRef[Keys];
            foreach (var (operation, key, value) in operations)
            {
                Run(world, entries, operation, NameOf(key), key, value, ref round);
                Check(world);
            }

            for (var key = 0; key < Keys; key++)
            {
                world.Forget(NameOf(key));
            }

            Check(world);
            return world.Budget.Used == 0 && world.Store.StandbyBytes == 0;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_key_s_object_that_is_used_again_is_as_good_as_another_one() => Prop.ForAll(
        Operations(),
        static operations =>
        {
            using var renewing = NewWorld(renewsEntries: true);
            using var fresh = NewWorld(renewsEntries: false);
            var (renewingRound, freshRound) = (1L, 1L);
            var (renewingEntries, freshEntries) = (new EntryRef[Keys], new EntryRef[Keys]);
            foreach (var (operation, key, value) in operations)
            {
                Run(renewing, renewingEntries, operation, NameOf(key), key, value, ref renewingRound);
                Run(fresh, freshEntries, operation, NameOf(key), key, value, ref freshRound);
                Assert.Equal(Enumerable.Range(0, Keys).Select(each => Tell(fresh, each)), Enumerable.Range(0, Keys).Select(each => Tell(renewing, each)));
            }
        }).QuickCheckThrowOnFailure();

    private static Arbitrary<IList<(int Operation, int Key, int Value)>> Operations() =>
        Gen.Choose(0, 11).Two().SelectMany(static two => Gen.Choose(0, 400).Select(value => (Operation: two.Item1, Key: two.Item2 % Keys, Value: value)))
            .ListOf().Resize(200).Select(static list => (IList<(int, int, int)>)[.. list]).ToArbitrary();

    private static LocalWorld NewWorld(bool renewsEntries) =>
        new(standbyBytes: 16 * 1500, maxStandbyPayload: 300, journalBytes: 4000) { ReusesEntries = true, RenewsEntries = renewsEntries };

    private static string NameOf(int key) => $"{{{key % 3}}}{key}";

    /// <summary>All that anyone sees of an entry.</summary>
    private static string Tell(LocalWorld world, int key) => world.Find(NameOf(key)) is { } entry
        ? $"{entry.Kind} {entry.Standing} {entry.Header} {entry.Payload?.Length} {entry.Round} {entry.IsOwed} {entry.IsTouchOwed} {entry.IsTouchOnly} "
            + $"{entry.ExpiresAt} {entry.TouchedAt} {entry.ConfirmedAt} {entry.WasRead} {entry.WasUsed} {entry.Size} {ReferenceEquals(entry.SentOn, world.First)} {entry.SentOn is null}"
        : string.Empty;

    private static void Run(LocalWorld world, EntryRef[] entries, int operation, string name, int key, int value, ref long round)
    {
        var connection = value % 2 == 0 ? world.First : world.Second;
        var entry = entries[key].Entry is null ? EntryRef.To(world.Find(name)) : entries[key];
        switch (operation)
        {
            case 0: entries[key] = EntryRef.To(world.Set(name, new byte[value], connection, LocalWorld.Sliding(TimeSpan.FromSeconds(30)))); break;
            case 1: entries[key] = EntryRef.To(world.Set(name, new byte[value], null)); break;
            case 2: entries[key] = EntryRef.To(world.Remove(name, value % 3 == 0 ? null : connection)); break;
            case 3: world.Observe(name, Header(world, value), value < 300 ? new byte[value] : null, connection, world.Find(name)); break;
            case 4: world.Store.Refresh(LocalWorld.Key(name), value % 3 == 0 ? null : connection); break;
            case 5 when world.Find(name) is { Kind: LocalKind.Value } current: world.Touch(current, value % 3 == 0 ? null : connection); break;
            case 6 when entry.Entry is not null: world.Store.Answered(entry, connection, value % 3 != 0); break;
            case 7 when entry.Current is { Standing: not Standing.Standby }: world.Store.Evicted(entry, value % 3 != 0); break;
            case 8 when world.Find(name) is { } known: world.Store.ObserveMissing(known, connection); break;
            case 9: world.Store.Close(++round); break;
            case 10: world.Store.Retire(round - (value % 2)); break;
            case 11: Shake(world, name, connection, value); break;
            default: break;
        }
    }

    private static void Shake(LocalWorld world, string name, IServerConnection connection, int value)
    {
        world.Time.Advance(TimeSpan.FromSeconds(value % 20));
        var stripe = world.Store.StripeOf(LocalWorld.Key(name));
        if (stripe.Find(name) is not { } entry)
        {
            return;
        }

        entry.WasUsed = value % 2 == 0;
        switch (value % 5)
        {
            case 0: world.Store.Superseded(entry, connection); break;
            case 1 when entry.Standing != Standing.Standby: stripe.Move(entry, Standing.Pending, null); break;
            case 2 when entry.Standing == Standing.Pending: stripe.Move(entry, Standing.Sent, connection); break;
            case 3 when entry is { Kind: LocalKind.Value, Payload: not null, Standing: Standing.Pending }: stripe.Shrink(entry); break;
            case 4: world.Store.Forget(entry); break;
            default: break;
        }
    }

    private static EntryHeader Header(LocalWorld world, int value)
    {
        var stamp = world.Clock.Next().Plus(-1_000_000 * (value % 30));
        return value % 4 == 0 ? EntryHeader.Tombstone(stamp) : EntryHeader.Value(stamp, default);
    }

    private static void Check(LocalWorld world)
    {
        var store = world.Store;
        var journal = store.All.SelectMany(static stripe => Entries(stripe.Journal)).ToList();
        Assert.Equal(journal.Count, journal.Distinct().Count());
        Assert.Equal(journal.Count, store.JournalCount);
        Assert.Equal(journal.Sum(static entry => entry.Size), store.JournalBytes);
        Assert.Equal(store.JournalBytes, world.Budget.Used);
        Assert.Equal(journal.Count(static entry => entry.Standing == Standing.Pending), store.Pending);
        Assert.All(journal, entry =>
        {
            Assert.NotEqual(Standing.Standby, entry.Standing);
            Assert.False(entry.IsDetached);
            Assert.Same(entry, store.Find(entry.Key));
        });
        var copies = Enumerable.Range(0, Keys).Select(key => world.Find(NameOf(key))).OfType<LocalEntry>()
            .Where(static entry => entry.Standing == Standing.Standby).ToList();
        Assert.Equal(copies.Sum(static entry => entry.Size), store.StandbyBytes);
        Assert.DoesNotContain(copies, entry => journal.Contains(entry) || entry.IsDetached);
        Assert.InRange(world.Budget.Used, 0, world.Budget.Limit);
        Assert.All(Enumerable.Range(0, Keys), key =>
        {
            Assert.True(store.StripeOf(LocalWorld.Key(NameOf(key))).Table.TryLook(LocalTable.HashOf(NameOf(key)), out var known));
            Assert.Equal(world.Find(NameOf(key))?.Header.Stamp ?? default, known.Stamp);
        });
        Assert.All(store.All, stripe => Assert.Equal(Entries(stripe.Journal).Sum(static entry => entry.IsOwed ? 1 : 0), stripe.Answers.Owed));
        Assert.All(store.All, stripe => Assert.InRange(stripe.StandbySize, 0, world.Limits.StandbyBytes / 16));
    }

    private static IEnumerable<LocalEntry> Entries(EntryList list)
    {
        for (var entry = list.First; entry is not null; entry = entry.Next)
        {
            Assert.Same(entry, entry.Next is null ? list.Last : entry.Next.Previous);
            yield return entry;
        }
    }
}
