using System.Runtime.CompilerServices;

namespace ShardedCache.Testing.Tests;

public class DocumentationTests
{
    [Fact]
    public void The_code_in_the_documentation_is_that_of_the_tests()
    {
        var code = Lines(File.ReadAllText(Beside("ApplicationTests.cs"))).ToHashSet();
        var page = File.ReadAllText(Beside("../../docs/testing.md"));

        var quoted = page.Split("```csharp\n").Skip(1).SelectMany(block => Lines(block.Split("```")[0])).ToArray();

        Assert.NotEmpty(quoted);
        Assert.All(quoted, line => Assert.Contains(line, code));
    }

    private static IEnumerable<string> Lines(string text) => text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0);

    private static string Beside(string relative, [CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, relative));
}
