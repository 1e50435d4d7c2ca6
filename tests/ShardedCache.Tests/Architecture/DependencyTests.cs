using System.Text.RegularExpressions;

namespace ShardedCache.Tests.Architecture;

/// <summary>The design's dependency directions, read from the compiled library.</summary>
public class DependencyTests
{
    private const string Root = "ShardedCache";

    /// <summary>Which folders a folder may use. What it uses of itself, and of the framework, is free.</summary>
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Connections"] = [],
        ["Connections.StackExchangeRedis"] = ["Connections"],
        ["Connections.Resp"] = ["Connections"],
        ["Sharding"] = [],
        ["Entries"] = [],
        ["Sentinels"] = ["Connections", "Diagnostics"],
        ["Failover"] = ["Connections", "Entries", "Diagnostics"],
        ["Shards"] = ["Failover", "Sentinels", "Connections", "Sharding", "Entries", "Diagnostics"],
    };

    /// <summary>Types that every folder may use: what a key, a script or a destination is to the seam, the exception that callers see, and a pool.</summary>
    private static readonly string[] Vocabulary = ["StoredKey", "StoredScript", "IWholeValueWriter", "WholeValues", "ShardUnavailableException", "FailoverMode", "Pool`1"];

    [Fact]
    public void Folders_use_only_what_lies_below_them()
    {
        var against =
            from use in TypeUse.All
            let user = Folder(use.User)
            let used = Folder(use.Used)
            where user is not null && used is not null && user != used
            where MayUse.TryGetValue(user, out var allowed) && !allowed.Contains(used)
            where !Vocabulary.Contains(use.Used.Name)
            select $"{use.User} uses {use.Used}";

        Assert.Empty(against);
    }

    [Fact]
    public void Every_folder_has_a_rule_or_belongs_to_the_root()
    {
        string[] free = ["", "Registration", "Diagnostics"];

        var folders = TypeUse.All.Select(use => Folder(use.User)).OfType<string>().Distinct();

        Assert.Empty(folders.Except(MayUse.Keys).Except(free));
    }

    [Fact]
    public void Only_Connections_touches_sockets()
    {
        var against = TypeUse.All.Where(use => use.Used.Namespace == "System.Net.Sockets" && !(Folder(use.User) ?? "").StartsWith("Connections", StringComparison.Ordinal));

        Assert.Empty(against);
        Assert.Contains(TypeUse.All, use => use.Used.Namespace == "System.Net.Sockets");
    }

    [Fact]
    public void Only_one_folder_and_the_options_name_the_client_library()
    {
        var named = new Regex(@"StackExchange\.Redis\b|\bRESPite\b");
        var against =
            from file in Repository.Files("src/ShardedCache", ".cs")
            where !file.Path.Contains("/Connections/StackExchangeRedis/", StringComparison.Ordinal) && !file.Path.EndsWith("/ShardedRedisCacheOptions.cs", StringComparison.Ordinal)
            from line in file.Lines
            where named.IsMatch(line) && !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
            select $"{file.Path}: {line.Trim()}";

        Assert.Empty(against);
    }

    [Fact]
    public void Only_Sentinels_speaks_Sentinel_commands()
    {
        var spoken = new Regex("SENTINEL.*(MASTER|SENTINELS|REPLICAS)|GET-MASTER-ADDR-BY-NAME|\\+switch-master\"");
        var files = Repository.Files("src/ShardedCache", ".cs").Where(file => file.Lines.Any(spoken.IsMatch)).Select(file => file.Path).ToList();

        Assert.NotEmpty(files);
        Assert.All(files, path => Assert.Contains("/Sentinels/", path, StringComparison.Ordinal));
    }

    /// <summary>Null for what is not ours.</summary>
    private static string? Folder(Type type)
    {
        if (type.Assembly != typeof(ShardedRedisCacheOptions).Assembly || type.Namespace is not { } name)
        {
            return null;
        }

        return name == Root ? "" : name.StartsWith(Root + ".", StringComparison.Ordinal) ? name[(Root.Length + 1)..] : null;
    }
}
