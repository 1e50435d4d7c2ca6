using System.Text.RegularExpressions;
using ShardedCache.AspNetCore.HealthChecks;
using ShardedCache.Diagnostics;

namespace ShardedCache.AspNetCore.Tests.Documentation;

public partial class HealthAndLayersPagesTests
{
    private static readonly string Root = FindRoot(AppContext.BaseDirectory);

    [Theory]
    [InlineData("health.md")]
    [InlineData("layers.md")]
    public void Every_piece_of_code_of_the_page_is_compiled(string page)
    {
        var compiled = Lines(Read("tests/ShardedCache.AspNetCore.Tests/Documentation/PageSnippets.cs"));

        var blocks = Block().Matches(Read("docs/" + page)).Select(static match => match.Groups[1].Value).ToArray();

        Assert.NotEmpty(blocks);
        Assert.All(blocks, block => Assert.Contains(Lines(block), compiled, StringComparison.Ordinal));
    }

    [Fact]
    public void The_health_page_names_everything_that_the_data_holds()
    {
        var time = DateTimeOffset.UnixEpoch;
        var shard = new ShardStatus("shard-0", Shards.ShardState.FailingOver, time, new("10.0.0.1", 6379))
        {
            Fault = "fault",
            Refusal = new(time, time, "refused"),
            ReplicasOnline = new(1, time),
            ReplicaLag = TimeSpan.Zero,
        };

        var data = (Dictionary<string, object>)StatusHealth.Of(new(FailoverMode.LocalTier, [shard]), default).Data["shard-0"];

        Assert.All(data.Keys, name => Assert.Contains($"`{name}`", Read("docs/health.md"), StringComparison.Ordinal));
    }

    private static string Lines(string code) => string.Join('\n', code.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    private static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot(string directory) =>
        File.Exists(Path.Combine(directory, "ShardedCache.sln")) ? directory : FindRoot(Path.GetDirectoryName(directory)!);

    [GeneratedRegex("^```csharp\n(.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();
}
