using System.Collections.Concurrent;
using System.Text;
using ShardedCache.Connections;

namespace ShardedCache.Tests.Shards;

/// <summary>A server that says what a test wants it to say.</summary>
internal sealed class FakeServer(ServerAddress address, TimeProvider time)
{
    private readonly ConcurrentQueue<string> _commands = new();
    private readonly ConcurrentDictionary<FakeServerConnection, bool> _connections = new();
    private int _opened;

    public ServerAddress Address => address;

    public string Role { get; set; } = "master";

    public string RunId { get; set; } = "run-1";

    /// <summary>How far the server's clock is ahead of this process's.</summary>
    public TimeSpan ClockLead { get; set; }

    /// <summary>It accepts connections and finishes no handshake.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Its process is stopped: control commands are not answered, and nothing tells that the connection is dead.</summary>
    public bool IsStopped { get; set; }

    /// <summary>It refuses connections.</summary>
    public bool IsDown { get; set; }

    /// <summary>Gives another answer to a control command than the usual; null: the usual one.</summary>
    public Func<string, ControlReply?> Answer { get; set; } = static _ => null;

    /// <summary>Gives another answer to an entry command (<c>get</c>, <c>set</c>, or a script's name) than the usual.</summary>
    public Func<string, Reply?> AnswerEntry { get; set; } = static _ => null;

    public ConcurrentDictionary<string, byte[]> Store { get; } = new();

    public IReadOnlyCollection<string> Commands => _commands;

    public int Opened => Volatile.Read(ref _opened);

    public IReadOnlyCollection<FakeServerConnection> Connections => [.. _connections.Keys];

    public FakeServerConnection Connect()
    {
        var connection = new FakeServerConnection(this, Interlocked.Increment(ref _opened), closed => _connections.TryRemove(closed, out _));
        _connections[connection] = true;
        return connection;
    }

    public void Break()
    {
        foreach (var connection in Connections)
        {
            connection.Close(new ConnectionFault(ConnectionFaultKind.ClosedByPeer, "reset"));
        }
    }

    public ControlReply Execute(ReadOnlySpan<string> command)
    {
        var line = string.Join(' ', command);
        _commands.Enqueue(line);
        if (Answer(line) is { } answer)
        {
            return answer;
        }

        switch (command)
        {
            case ["ROLE"]:
                return new(ControlReplyKind.Array) { Items = [ControlReply.FromText(Role)] };
            case ["GET", var key]:
                return Store.TryGetValue(key, out var stored) ? new(ControlReplyKind.Text) { Bytes = stored } : new(ControlReplyKind.Nil);
            case ["SET", var key, var value, "NX", "GET"]:
                return Store.TryAdd(key, Encoding.UTF8.GetBytes(value)) ? new(ControlReplyKind.Nil) : ControlReply.FromError("ERR raced");
            case ["INFO", ..]:
                return ControlReply.FromText($"# Server\r\nrun_id:{RunId}\r\nmaster_replid:replication-1\r\n");
            case ["TIME"]:
                var now = time.GetUtcNow() + ClockLead;
                return new(ControlReplyKind.Array)
                {
                    Items = [ControlReply.FromText($"{now.ToUnixTimeSeconds()}"), ControlReply.FromText($"{now.Ticks % TimeSpan.TicksPerSecond / 10}")],
                };
            default:
                return new(ControlReplyKind.Integer) { Integer = 1 };
        }
    }
}
