using System.Collections.Concurrent;
using ShardedCache.Connections;

namespace ShardedCache.Tests.Sentinels;

/// <summary>What a Sentinel does when it is spoken to.</summary>
internal enum FakeBehaviour
{
    Answers,

    /// <summary>Its host refuses the connection, and live connections end.</summary>
    IsDown,

    /// <summary>Its process is stopped: it accepts connections and never answers.</summary>
    IsStopped,

    /// <summary>It asks for another password.</summary>
    Refuses,
}

/// <param name="Listed">The address that <c>SENTINEL MASTER</c> gives; that of the old master while a failover ends.</param>
internal sealed record FakeMaster(ServerAddress Address, long Epoch, string Flags = "master", string Replica = "10.1.0.9", ServerAddress? Listed = null, string? DownReplica = null)
{
    public ServerAddress ListedAddress => Listed ?? Address;
}

/// <summary>A Sentinel that says what a test wants it to say.</summary>
internal sealed class FakeSentinel(string host, string id)
{
    private readonly ConcurrentDictionary<FakeSentinelConnection, bool> _connections = new();
    private volatile int _behaviour;
    private int _asked;

    public ServerAddress Address { get; } = new(host, 26379);

    public string Id => id;

    public bool MaySubscribe { get; set; } = true;

    public bool MayInspect { get; set; } = true;

    public bool IsInTilt { get; set; }

    /// <summary>Called once, after the first of the commands that ask about <c>shard-0</c>.</summary>
    public Action? BetweenTwoCommands { get; set; }

    public ConcurrentDictionary<string, FakeMaster> Masters { get; } = new();

    /// <summary>The other Sentinels that it names, with their flags.</summary>
    public ConcurrentDictionary<FakeSentinel, string> Others { get; } = new();

    public FakeBehaviour Behaviour
    {
        get => (FakeBehaviour)_behaviour;
        set
        {
            _behaviour = (int)value;
            foreach (var connection in _connections.Keys.Where(_ => value == FakeBehaviour.IsDown))
            {
                connection.Close(new ConnectionFault(ConnectionFaultKind.ClosedByPeer, "reset"));
            }
        }
    }

    /// <summary>How often it was asked for a master's address.</summary>
    public int Asked => Volatile.Read(ref _asked);

    public bool IsListenedTo => _connections.Keys.Any(static connection => connection.IsListening);

    public int OpenConnections => _connections.Count;

    public void Publish(string channel, string message)
    {
        foreach (var connection in _connections.Keys)
        {
            connection.Receive(channel, message);
        }
    }

    public FakeSentinelConnection Connect(ServerAddress address, ConnectionSettings settings, TimeProvider time)
    {
        var connection = new FakeSentinelConnection(this, address, settings, time, closed => _connections.TryRemove(closed, out _));
        _connections[connection] = true;
        return connection;
    }

    public ControlReply Answer(ReadOnlySpan<string> command)
    {
        var answer = AnswerTo(command);
        if (command is ["SENTINEL", "MASTER" or "GET-MASTER-ADDR-BY-NAME", "shard-0"] && BetweenTwoCommands is { } between)
        {
            BetweenTwoCommands = null;
            between();
        }

        return answer;
    }

    private ControlReply AnswerTo(ReadOnlySpan<string> command)
    {
        if (command is ["INFO", ..])
        {
            return MayInspect ? Text($"# Sentinel\r\nsentinel_masters:1\r\nsentinel_tilt:{(IsInTilt ? 1 : 0)}\r\n") : Forbidden("info");
        }

        switch (command)
        {
            case ["SENTINEL", "MYID"]:
                return MayInspect ? Text(id) : Forbidden("sentinel|myid");
            case ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", var name]:
                Interlocked.Increment(ref _asked);
                return Masters.TryGetValue(name, out var named) ? Array(named.Address.Host, $"{named.Address.Port}") : new(ControlReplyKind.Nil);
            case ["SENTINEL", "MASTER", var name]:
                return Masters.TryGetValue(name, out var master) ? Fields(name, master) : ControlReply.FromError("ERR No such master with that name");
            case ["SENTINEL", "MASTERS"]:
                return new(ControlReplyKind.Array) { Items = [.. Masters.Select(static pair => Fields(pair.Key, pair.Value))] };
            case ["SENTINEL", "REPLICAS", var name]:
                return Masters.TryGetValue(name, out var replicated)
                    ? new(ControlReplyKind.Array) { Items = [.. Replicas(replicated)] }
                    : ControlReply.FromError("ERR No such master with that name");
            case ["SENTINEL", "SENTINELS", _]:
                return new(ControlReplyKind.Array) { Items = [.. Others.Select(static other => Fields(other.Key, other.Value))] };
            default:
                return ControlReply.FromError($"ERR unknown command '{string.Join(' ', command)}'");
        }
    }

    private static ControlReply Fields(string name, FakeMaster master) => Array(
        "name", name, "ip", master.ListedAddress.Host, "port", $"{master.ListedAddress.Port}", "flags", master.Flags, "config-epoch", $"{master.Epoch}", "down-after-milliseconds", "5000");

    private static IEnumerable<ControlReply> Replicas(FakeMaster master)
    {
        yield return Array("ip", master.Replica, "port", "6379", "flags", "slave");
        if (master.DownReplica is { } down)
        {
            yield return Array("ip", down, "port", "6379", "flags", "s_down,slave,disconnected");
        }
    }

    private static ControlReply Fields(FakeSentinel other, string flags) =>
        Array("name", other.Id, "ip", other.Address.Host, "port", $"{other.Address.Port}", "runid", other.Id, "flags", flags);

    private static ControlReply Forbidden(string command) =>
        ControlReply.FromError($"NOPERM User app has no permissions to run the '{command}' command");

    private static ControlReply Array(params string[] items) => new(ControlReplyKind.Array) { Items = [.. items.Select(Text)] };

    private static ControlReply Text(string text) => ControlReply.FromText(text);
}
