using System.Collections.Concurrent;

namespace ShardedCache.LoadLab.Workers;

/// <summary>Threads that are blocked by their calls, as those of a synchronous application; not the thread pool's, which the rest of the load needs.</summary>
internal sealed class SynchronousCallers(Operations operations)
{
    private const int Threads = 4;

    private readonly BlockingCollection<(Call Call, Action Done)> _calls = [];

    public void Start()
    {
        for (var i = 0; i < Threads; i++)
        {
            new Thread(Run) { IsBackground = true, Name = "synchronous" }.Start();
        }
    }

    public void Add(Call call, Action done) => _calls.Add((call, done));

    private void Run()
    {
        foreach (var (call, done) in _calls.GetConsumingEnumerable())
        {
            operations.RunAsync(call).GetAwaiter().GetResult();
            done();
        }
    }
}
