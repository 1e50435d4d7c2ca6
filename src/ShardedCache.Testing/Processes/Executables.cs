namespace ShardedCache.Testing.Processes;

internal sealed class Executables
{
    private readonly string _server;
    private readonly string? _sentinel;
    private readonly string? _networkNamespace;

    private Executables(string server, string? sentinel, string? networkNamespace)
    {
        _server = server;
        _sentinel = sentinel;
        _networkNamespace = networkNamespace;
    }

    public static Executables Find(RedisFarmOptions options) => new(
        options.RedisServerPath is { } server ? Existing(server) : Search("redis-server"),
        options.RedisSentinelPath is { } sentinel ? Existing(sentinel) : null,
        options.NetworkNamespace);

    public IEnumerable<string> Command(bool isSentinel, string configurationFile)
    {
        // `ip netns exec` replaces itself by the command, so the process id stays the server's.
        string[] prefix = _networkNamespace is null ? [] : ["ip", "netns", "exec", _networkNamespace];
        return isSentinel
            ? [.. prefix, _sentinel ?? _server, configurationFile, "--sentinel"]
            : [.. prefix, _server, configurationFile];
    }

    private static string Existing(string path) =>
        File.Exists(path) ? Path.GetFullPath(path) : throw Missing($"The file \"{path}\" does not exist.");

    private static string Search(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(directory => Path.Combine(directory, name))
        .FirstOrDefault(File.Exists) ?? throw Missing($"No {name} was found in PATH.");

    private static RedisFarmException Missing(string what) => new(
        what + " A farm runs real Redis processes, version 7.0 or newer. Install them (Debian and Ubuntu: apt-get install redis-server; "
        + "Fedora: dnf install redis; macOS: brew install redis), or set RedisFarmOptions.RedisServerPath.");
}
