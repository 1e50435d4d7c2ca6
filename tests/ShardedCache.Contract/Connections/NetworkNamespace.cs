using System.Diagnostics;

namespace ShardedCache.Contract.Connections;

/// <summary>A network namespace that is joined to this machine by one link, which a test can cut. Linux, and needs root.</summary>
internal sealed class NetworkNamespace : IDisposable
{
    private static int _created;

    private readonly string _link;

    private NetworkNamespace(string name, string link, string address) => (Name, _link, Address) = (name, link, address);

    public string Name { get; }

    /// <summary>The address inside.</summary>
    public string Address { get; }

    public static NetworkNamespace? TryCreate(out string whyNot)
    {
        var number = Interlocked.Increment(ref _created);
        var id = $"{Environment.ProcessId % 100_000}x{number}";
        var subnet = $"10.{200 + (number % 50)}.{Environment.ProcessId % 250}";
        var result = new NetworkNamespace($"sc{id}", $"sc{id}a", $"{subnet}.2");
        string[] commands =
        [
            $"netns add {result.Name}",
            $"link add {result._link} type veth peer name sc{id}b netns {result.Name}",
            $"addr add {subnet}.1/30 dev {result._link}",
            $"link set {result._link} up",
            $"-n {result.Name} addr add {result.Address}/30 dev sc{id}b",
            $"-n {result.Name} link set sc{id}b up",
            $"-n {result.Name} link set lo up",
        ];
        foreach (var command in commands)
        {
            if (Run(command) is { } error)
            {
                result.Dispose();
                whyNot = $"ip {command}: {error}";
                return null;
            }
        }

        whyNot = string.Empty;
        return result;
    }

    /// <summary>Nothing passes any more, in either direction, and nobody is told.</summary>
    public void Cut() => Assert.Null(Run($"-n {Name} link set {_link[..^1]}b down"));

    public void Mend() => Assert.Null(Run($"-n {Name} link set {_link[..^1]}b up"));

    public void Dispose()
    {
        Run($"link del {_link}");
        Run($"netns del {Name}");
    }

    private static string? Run(string command)
    {
        try
        {
            using var ip = Process.Start(new ProcessStartInfo("ip", command) { RedirectStandardError = true })!;
            var error = ip.StandardError.ReadToEnd();
            ip.WaitForExit();
            return ip.ExitCode == 0 ? null : error.Trim();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    }
}
