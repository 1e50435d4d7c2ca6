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

    private LocalEntry Entry(string name) => _world.Store.All[0].Create(new([], name), LocalKind.Tombstone, EntryHeader.Tombstone(default), null);
}
