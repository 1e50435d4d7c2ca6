namespace ShardedCache.Tests.Architecture;

public class SourceTests
{
    [Fact]
    public void No_product_file_is_a_god_and_half_of_them_are_short()
    {
        var files = Repository.Files("src", ".cs").ToList();
        var lengths = files.Select(file => file.Lines.Length).Order().ToList();
        foreach (var (path, lines) in files.Where(file => file.Lines.Length > 300))
        {
            TestContext.Current.AddWarning($"{path} has {lines.Length} lines: take a second look.");
        }

        Assert.InRange(lengths[^1], 0, 400);
        Assert.InRange(lengths[lengths.Count / 2], 20, 90);
    }

    [Fact]
    public void Nothing_is_left_for_later()
    {
        string[] marks = ["TO" + "DO", "FIX" + "ME", "NotImplemented" + "Exception"];

        Assert.Empty(
            from file in Repository.Files("")
            from line in file.Lines
            where marks.Any(mark => line.Contains(mark, StringComparison.Ordinal))
            select $"{file.Path}: {line.Trim()}");
    }

    [Fact]
    public void A_file_lies_in_the_folder_of_its_namespace()
    {
        Assert.Empty(
            from file in Repository.Files("src/ShardedCache", ".cs")
            let folder = Path.GetDirectoryName(file.Path)!["src/".Length..].Replace('/', '.')
            let declared = file.Lines.FirstOrDefault(line => line.StartsWith("namespace ", StringComparison.Ordinal))
            where declared is not null && declared != $"namespace {folder};" && declared != "namespace Microsoft.Extensions.DependencyInjection;"
            select $"{file.Path}: {declared}");
    }
}
