using System.Text.RegularExpressions;
using ShardedCache.Contract;
using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

public partial class SentinelDocumentationTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Root(), "docs", "sentinels.md"));

    [Theory]
    [InlineData("user app on >password " + AclRules.Server)]
    [InlineData("user watcher on >password " + AclRules.Sentinel)]
    [InlineData("user watcher on >password " + AclRules.SentinelWithoutSubscribe)]
    public void The_rules_on_the_page_are_those_that_the_suites_run_under(string rule) =>
        Assert.Contains(CodeBlocks(), block => Words().Replace(block, " ").Trim() == rule);

    [Fact]
    public void The_rules_allow_the_channels_that_are_listened_to_and_no_other() => Assert.Equal(
        SentinelHint.EarlyChannels.Append(SentinelHint.SwitchMaster).Order(),
        AclRules.Sentinel.Split(' ').Where(static word => word.StartsWith('&')).Select(static word => word[1..]).Order());

    [Fact]
    public void The_times_on_the_page_are_the_times_in_the_code()
    {
        var times = SentinelTimings.Default;

        Assert.Equal(TimeSpan.FromSeconds(1), times.Poll);
        Assert.Contains("Once a second", Page, StringComparison.Ordinal);
        Assert.Contains($"every {times.PollInTrouble.TotalMilliseconds:0} ms while a shard is in trouble", Page, StringComparison.Ordinal);
        Assert.Contains($"it has {times.Patience.TotalMilliseconds:0} ms for an answer", Page, StringComparison.Ordinal);
        Assert.Contains($"from `SENTINEL SENTINELS` every {times.Topology.TotalSeconds:0} s", Page, StringComparison.Ordinal);
        Assert.Contains($"agree on it for {times.Reversal.TotalSeconds:0} s", Page, StringComparison.Ordinal);
        Assert.Contains($"At most {SentinelRoster.MaxSentinels} are asked", Page, StringComparison.Ordinal);
    }

    private static IEnumerable<string> CodeBlocks() => Page.Split("```\n").Index().Where(static part => part.Index % 2 == 1).Select(static part => part.Item);

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "ShardedCache.sln")))
        {
            directory = directory.Parent!;
        }

        return directory.FullName;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Words();
}
