using ShardedCache.LoadLab.Failover;
using ShardedCache.LoadLab.Scenarios;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>
/// The chaos lab's scenarios, short. Most of a scenario's time is waiting, so those of a group run side by side, each with a
/// farm and processes of its own. Latencies are reported and do not decide: the machine may have other work.
/// </summary>
[CollectionDefinition(nameof(ChaosCollection), DisableParallelization = true)]
public sealed class ChaosCollection;

[Collection(nameof(ChaosCollection))]
public sealed class ChaosTests
{
    private const int AtOnce = 2;

    private static readonly RunSettings Short = new() { Seconds = 6, Rate = 500 };

    public static TheoryData<string> Groups => [.. ScenarioList.All
        .Where(static scenario => !scenario.IsLong)
        .Select(static scenario => scenario.Name)
        .Chunk(AtOnce)
        .Select(static names => string.Join(' ', names))];

    /// <summary>Of each kind of failure that reaches a connection, one.</summary>
    public static TheoryData<string> GroupsOverResp =>
    [
        "master-kill pause-8s",
        "planned-failover cut-client-master",
        "client-stopped-5s max-clients",
        "acl-deluser misconf",
        "flapping",
    ];

    [Theory]
    [MemberData(nameof(Groups))]
    public Task No_write_is_lost_nothing_comes_back_and_no_caller_sees_an_error(string scenarios) => HoldsAsync(scenarios, Short);

    [Theory]
    [MemberData(nameof(GroupsOverResp))]
    public Task Over_our_own_wire_no_write_is_lost_either(string scenarios) =>
        HoldsAsync(scenarios, Short with { Transport = nameof(ShardTransport.Resp) });

    private static async Task HoldsAsync(string scenarios, RunSettings settings)
    {
        var reports = await Task.WhenAll(scenarios.Split(' ').Select(name =>
            ScenarioRunner.RunAsync(ScenarioList.All.Single(scenario => scenario.Name == name), settings, TestContext.Current.CancellationToken)));

        var summary = new StringWriter();
        foreach (var report in reports)
        {
            summary.WriteLine(report.Scenario);
            Summary.Print(summary, report);
        }

        Assert.True(reports.All(static report => report.Failures.Count == 0), summary.ToString());
        TestContext.Current.TestOutputHelper?.WriteLine(summary.ToString());
        Assert.SkipWhen(reports.Any(static report => report.NotRunnable is not null), summary.ToString());
    }
}
