using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

/// <summary>A table is a dictionary by names, through all growth and all gaps.</summary>
public sealed class LocalTableTests : IDisposable
{
    private const int Names = 48;

    private readonly LocalWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void It_holds_what_a_dictionary_holds_after_any_operations() => Prop.ForAll(
        Gen.Choose(0, (Names * 2) - 1).ListOf().Resize(400).ToArbitrary(),
        operations =>
        {
            var (table, model) = (new LocalTable(), new Dictionary<string, LocalEntry>());
            foreach (var operation in operations)
            {
                var name = $"name-{operation / 2}";
                if (operation % 2 == 0)
                {
                    var entry = Entry(name);
                    Assert.Same(model.GetValueOrDefault(name), table.Set(entry));
                    model[name] = entry;
                }
                else
                {
                    table.Remove(name);
                    model.Remove(name);
                }

                Assert.Equal(model.Count, table.Count);
            }

            for (var i = 0; i < Names; i++)
            {
                Assert.Same(model.GetValueOrDefault($"name-{i}"), table.Find($"name-{i}"));
                Assert.Same(model.GetValueOrDefault($"name-{i}"), table.Seek(LocalTable.HashOf($"name-{i}")));
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void It_finds_every_one_of_many()
    {
        var table = new LocalTable();
        for (var i = 0; i < 20_000; i++)
        {
            table.Set(Entry($"name-{i}"));
        }

        for (var i = 0; i < 20_000; i += 2)
        {
            table.Remove($"name-{i}");
        }

        Assert.Equal(10_000, table.Count);
        for (var i = 0; i < 20_000; i++)
        {
            Assert.Equal(i % 2 == 1 ? $"name-{i}" : null, table.Find($"name-{i}")?.Key.Name);
        }
    }

    /// <summary>Broken where a look takes its two figures from two versions, or does not find what is there while others come and go.</summary>
    [Fact]
    public async Task A_look_without_the_lock_tells_what_was_told_or_that_it_cannot()
    {
        const int kept = 8;
        var table = new LocalTable();
        var entries = Enumerable.Range(0, kept).Select(i => Entry($"kept-{i}")).ToArray();
        foreach (var entry in entries)
        {
            Change(entry, 1);
            table.Set(entry);
        }

        using var stop = new CancellationTokenSource();
        var looking = Task.Run(() =>
        {
            var told = 0;
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                if (table.TryLook(entries[i % kept].Hash, out var known))
                {
                    Assert.NotEqual(default, known.Stamp);
                    Assert.Equal(known.ConfirmedAt, known.Stamp.UnixMicroseconds);
                    told++;
                }
            }

            return told;
        });
        for (var i = 2; i <= 300_000 && !looking.IsCompleted; i++)
        {
            Change(entries[i % kept], i);
            table.Tell(entries[i % kept]);
            var name = $"passing-{i % 97}";
            if (i % 3 == 0)
            {
                table.Remove(name);
            }
            else
            {
                table.Set(Entry(name));
            }
        }

        await stop.CancelAsync();
        Assert.True(await looking > 0);

        static void Change(LocalEntry entry, int version)
        {
            entry.Begin(entry.Key, LocalKind.Tombstone, EntryHeader.Tombstone(Stamp.From(version, 0)), null);
            (entry.ConfirmedAt, entry.IsDetached) = (version, false);
        }
    }

    private LocalEntry Entry(string name) => _world.Store.All[0].Create(new([], name), LocalKind.Tombstone, EntryHeader.Tombstone(default), null);
}
