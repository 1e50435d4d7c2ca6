using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ShardedCache.Samples.Tests;

public sealed partial class ReadmeTests
{
    private static readonly string Root = FindRoot(AppContext.BaseDirectory);

    [Fact]
    public void Its_registration_is_the_one_that_is_compiled_here()
    {
        var shown = Block("csharp", Read("README.md")).Replace("\napp.Run();", "", StringComparison.Ordinal)
            .Replace("using Microsoft.Extensions.Caching.Distributed;\n", "", StringComparison.Ordinal);
        var compiled = Compiled().Match(Read("tests/ShardedCache.Samples.Tests/ReadmeExample.cs")).Groups[1].Value;

        Assert.Equal(Lines(compiled), Lines(shown));
    }

    [Fact]
    public void Every_page_and_command_that_it_names_exists()
    {
        var readme = Read("README.md");
        var links = Link().Matches(readme).Select(link => link.Groups[1].Value).ToArray();

        Assert.All(links, link => Assert.True(File.Exists(Path.Combine(Root, link)), link));
        Assert.All(
            Directory.GetFiles(Path.Combine(Root, "docs"), "*.md"),
            page => Assert.Contains($"docs/{Path.GetFileName(page)}", links));
        Assert.All(["run.sh", "test.sh", "samples/Minimal"], path => Assert.Contains(path, readme, StringComparison.Ordinal));
    }

    [Fact]
    public void Its_connection_string_is_a_valid_one()
    {
        var text = ConnectionStringValue().Match(Read("README.md")).Groups[1].Value;

        Assert.StartsWith("10.0.0.1:26379,", text, StringComparison.Ordinal);
        using var services = new ServiceCollection().AddShardedRedisCache(options => options.Configuration = text).BuildServiceProvider();
        Assert.Equal(text, services.GetRequiredService<IOptionsMonitor<ShardedRedisCacheOptions>>().CurrentValue.Configuration);
    }

    private static string Block(string language, string markdown) =>
        Regex.Match(markdown, $"```{language}\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;

    private static string[] Lines(string code) => code.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot(string directory) =>
        File.Exists(Path.Combine(directory, "ShardedCache.sln")) ? directory : FindRoot(Path.GetDirectoryName(directory)!);

    [GeneratedRegex(@"<readme>\n(.*?)// </readme>", RegexOptions.Singleline)]
    private static partial Regex Compiled();

    [GeneratedRegex(@"\]\(([^)]+\.md)\)")]
    private static partial Regex Link();

    [GeneratedRegex("\"ShardedRedis\": \"([^\"]+)\"")]
    private static partial Regex ConnectionStringValue();
}
