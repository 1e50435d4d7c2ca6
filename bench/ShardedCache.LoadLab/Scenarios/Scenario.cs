using ShardedCache.LoadLab.Failover;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>One way to break a farm under load.</summary>
internal abstract class Scenario(string name, string summary)
{
    public string Name => name;

    public string Summary => summary;

    /// <summary>One worker must be cut off from the farm.</summary>
    public virtual bool NeedsNetwork => false;

    /// <summary>Takes minutes: left out of the test suite.</summary>
    public virtual bool IsLong => false;

    /// <summary>False when it is broken before the workers start: then there is nothing to compare with.</summary>
    public virtual bool HasBaseline => true;

    public virtual Promises Promises { get; } = new();

    public virtual void Configure(RedisFarmOptions options)
    {
    }

    /// <summary>Before the workers start.</summary>
    public virtual Task PrepareAsync(ScenarioRun run) => Task.CompletedTask;

    /// <summary>Under load: breaks something, waits, and mends what would not mend by itself.</summary>
    public abstract Task BreakAsync(ScenarioRun run);
}
