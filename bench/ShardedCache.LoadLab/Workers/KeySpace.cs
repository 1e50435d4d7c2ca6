using System.Globalization;

namespace ShardedCache.LoadLab.Workers;

/// <summary>
/// Numbers of keys and their names, the same in every process of a run. Each worker owns hot and wide keys (one operation at
/// a time on each, so that their order is certain); the shared ones come last and are used by all at once.
/// </summary>
internal sealed class KeySpace(WorkerSettings settings)
{
    public int Owned { get; } = settings.HotKeys + settings.WideKeys;

    public int SharedFrom => Owned * settings.Workers;

    public int Count => SharedFrom + settings.SharedKeys;

    public string Name(int key) => key >= SharedFrom
        ? string.Create(CultureInfo.InvariantCulture, $"lab:shared:{key}")
        : string.Create(CultureInfo.InvariantCulture, $"lab:{key / Owned}:{key}");

    public int Hot(Random random) => (settings.Process * Owned) + random.Next(settings.HotKeys);

    public int Wide(Random random) => (settings.Process * Owned) + settings.HotKeys + random.Next(settings.WideKeys);

    public int Shared(Random random) => SharedFrom + random.Next(settings.SharedKeys);

    public bool IsShared(int key) => key >= SharedFrom;

    /// <summary>What a worker reads at the end: its own keys and the shared ones; a reader of the end reads all.</summary>
    public IEnumerable<int> ReadAtEnd() => settings.Process >= settings.Workers
        ? Enumerable.Range(0, Count)
        : Enumerable.Range(settings.Process * Owned, Owned).Concat(Enumerable.Range(SharedFrom, settings.SharedKeys));
}
