namespace ShardedCache.Tests.Architecture;

/// <summary>The files of the repository that these tests were built from.</summary>
internal static class Repository
{
    private static readonly string[] TextFiles = [".cs", ".csproj", ".props", ".md", ".sh", ".py", ".js", ".json", ".txt", ".yml"];
    private static readonly string[] NotOurs = ["bin", "obj", ".git", "artifacts", "TestResults", "BenchmarkDotNet.Artifacts"];

    public static string Root { get; } = FindRoot();

    /// <summary>Paths from the root, with forward slashes, and their lines.</summary>
    public static IEnumerable<(string Path, string[] Lines)> Files(string folder, string extension = "") =>
        from file in Walk(Path.Combine(Root, folder))
        where extension.Length == 0 ? TextFiles.Contains(Path.GetExtension(file)) : Path.GetExtension(file) == extension
        select (Path.GetRelativePath(Root, file).Replace('\\', '/'), File.ReadAllLines(file));

    private static IEnumerable<string> Walk(string folder) => Directory.EnumerateFiles(folder).Concat(
        Directory.EnumerateDirectories(folder).Where(inner => !NotOurs.Contains(Path.GetFileName(inner))).SelectMany(Walk));

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ShardedCache.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("These tests must run from inside the repository.");
        }

        return folder;
    }
}
