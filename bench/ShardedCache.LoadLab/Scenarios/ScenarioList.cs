namespace ShardedCache.LoadLab.Scenarios;

/// <summary>All scenarios, by name.</summary>
internal static class ScenarioList
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new MasterKill(),
    ];
}
