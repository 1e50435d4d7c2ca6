using System.Diagnostics;

namespace ShardedCache.LoadLab.Network;

/// <summary>
/// Two network namespaces: one for the farm, one for a worker, joined to each other by one link and the farm's to this
/// machine by another. So one client can be cut off from one server, or from all, while everybody else still sees it.
/// Linux, and needs root.
/// </summary>
internal sealed class CutNetwork : IDisposable
{
    private const string LookUpLocal = "100";
    private const string BeforeAll = "10";

    private static int _created;

    private readonly string _toWorker;
    private readonly string _toHost;

    private CutNetwork(string id, string subnet)
    {
        (Farm, Worker) = ($"ll{id}f", $"ll{id}w");
        (_toWorker, _toHost) = ($"ll{id}p", $"ll{id}h");
        FarmAddress = $"{subnet}.2";
    }

    /// <summary>Name of the namespace that the farm's processes belong into.</summary>
    public string Farm { get; }

    /// <summary>The farm's address, for all clients.</summary>
    public string FarmAddress { get; }

    /// <summary>Name of the namespace of the client that is cut off.</summary>
    public string Worker { get; }

    /// <summary>Null where the system can't or may not do it.</summary>
    public static CutNetwork? TryCreate(out string whyNot)
    {
        var number = Interlocked.Increment(ref _created);
        var subnet = $"10.{100 + (number % 50)}.{Environment.ProcessId % 250}";
        var network = new CutNetwork($"{Environment.ProcessId % 100_000}x{number}", subnet);
        string[] commands =
        [
            $"netns add {network.Farm}",
            $"netns add {network.Worker}",
            $"link add {network._toHost} type veth peer name host netns {network.Farm}",
            $"addr add {subnet}.1/30 dev {network._toHost}",
            $"link set {network._toHost} up",
            $"-n {network.Farm} addr add {network.FarmAddress}/30 dev host",
            $"-n {network.Farm} link set host up",
            $"-n {network.Farm} link set lo up",
            $"-n {network.Farm} link add {network._toWorker} type veth peer name farm netns {network.Worker}",
            $"-n {network.Farm} addr add {subnet}.5/30 dev {network._toWorker}",
            $"-n {network.Farm} link set {network._toWorker} up",
            $"-n {network.Worker} addr add {subnet}.6/30 dev farm",
            $"-n {network.Worker} link set farm up",
            $"-n {network.Worker} link set lo up",
            $"-n {network.Worker} route add {subnet}.0/30 via {subnet}.5",

            // A rule that is to drop what is meant for the namespace itself must come before the one that delivers it.
            $"-n {network.Farm} rule add pref {LookUpLocal} lookup local",
            $"-n {network.Farm} rule del pref 0",
        ];
        foreach (var command in commands)
        {
            if (Run(command) is { } error)
            {
                network.Dispose();
                whyNot = $"ip {command}: {error}";
                return null;
            }
        }

        whyNot = string.Empty;
        return network;
    }

    /// <summary>What the worker sends to one port vanishes, also on open connections; nobody is told.</summary>
    public void CutPort(int port) => Must($"-n {Farm} rule add pref {BeforeAll} iif {_toWorker} ipproto tcp dport {port} blackhole");

    /// <summary>
    /// What the worker sends vanishes, to whatever server. Unlike <see cref="CutAll"/> it leaves the link alone: while that is down the kernel
    /// holds packets back for some seconds, and delivers them when it is up again, also those of connections that have ended meanwhile.
    /// </summary>
    public void CutWorker() => Must($"-n {Farm} rule add pref {BeforeAll} iif {_toWorker} blackhole");

    public void MendWorker() => Must($"-n {Farm} rule del pref {BeforeAll}");

    /// <summary>Nothing passes between the worker and the farm any more, in either direction; nobody is told.</summary>
    public void CutAll() => Must($"-n {Farm} link set {_toWorker} down");

    public void MendAll() => Must($"-n {Farm} link set {_toWorker} up");

    public void Dispose()
    {
        Run($"link del {_toHost}");
        Run($"netns del {Worker}");
        Run($"netns del {Farm}");
    }

    private static void Must(string command)
    {
        if (Run(command) is { } error)
        {
            throw new LabException($"ip {command}: {error}");
        }
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
