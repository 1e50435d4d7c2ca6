using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Shards;

/// <summary>A server that says what a test wants it to say.</summary>
internal sealed class FakeServer(ServerAddress address, TimeProvider time)
{
    private readonly ConcurrentQueue<string> _commands = new();
    private readonly ConcurrentDictionary<FakeServerConnection, bool> _connections = new();
    private readonly FakeGroups _groups = new();
    private int _opened;
    private int _unanswered;
    private int _knocks;

    public ServerAddress Address => address;

    public string Role { get; set; } = "master";

    public string RunId { get; set; } = "run-1";

    /// <summary>How far the server's clock is ahead of this process's.</summary>
    public TimeSpan ClockLead { get; set; }

    /// <summary>It accepts connections and finishes no handshake until this is over.</summary>
    public bool IsSilent { get; set; }

    /// <summary>How often a connection was asked for while it was silent.</summary>
    public int Knocks => Volatile.Read(ref _knocks);

    /// <summary>Its process is stopped: control commands are not answered until it goes on, and nothing tells that the connection is dead.</summary>
    public bool IsStopped { get; set; }

    /// <summary>Control commands that came while it was stopped.</summary>
    public int Unanswered => Volatile.Read(ref _unanswered);

    /// <summary>It refuses connections.</summary>
    public bool IsDown { get; set; }

    /// <summary>Gives another answer to a control command than the usual; null: the usual one.</summary>
    public Func<string, ControlReply?> Answer { get; set; } = static _ => null;

    /// <summary>Gives another answer to an entry command (<c>get</c>, <c>set</c>, or a script's name) than the usual.</summary>
    public Func<string, Reply?> AnswerEntry { get; set; } = static _ => null;

    /// <summary>Takes an entry command and never answers it.</summary>
    public Func<string, bool> Hangs { get; set; } = static _ => false;

    /// <summary>Gives the answer to a set or a script later, and does nothing else.</summary>
    public Func<string, Task<Reply>?> AnswerLater { get; set; } = static _ => null;

    /// <summary>Gives the answer to a read later: what is there now.</summary>
    public Func<Task<Reply>?> GetLater { get; set; } = static () => null;

    public ConcurrentDictionary<string, byte[]> Store { get; } = new();

    /// <summary>The milliseconds to live that a key was last given; null: it lives for ever.</summary>
    public ConcurrentDictionary<string, long?> Lives { get; } = new();

    /// <summary>Its entry commands over all its connections, in their order, each with its key.</summary>
    public ConcurrentQueue<(long Connection, string Command, string Key)> Sent { get; } = new();

    /// <summary>What it says of its replication.</summary>
    public string Version { get; set; } = "7.0.15";

    public FakeReplication Replication { get; } = new();

    public IReadOnlyCollection<string> Commands => _commands;

    public int Opened => Volatile.Read(ref _opened);

    public IReadOnlyCollection<FakeServerConnection> Connections => [.. _connections.Keys];

    public FakeServerConnection Connect(TimeSpan? operationTimeout = null)
    {
        var connection = new FakeServerConnection(
            this, Interlocked.Increment(ref _opened), operationTimeout ?? Timeout.InfiniteTimeSpan, time, closed => _connections.TryRemove(closed, out _));
        _connections[connection] = true;
        return connection;
    }

    public void Knock() => Interlocked.Increment(ref _knocks);

    public void CommandArrived() => Interlocked.Increment(ref _unanswered);

    public void Break(ConnectionFaultKind kind = ConnectionFaultKind.ClosedByPeer)
    {
        foreach (var connection in Connections)
        {
            connection.Close(new ConnectionFault(kind, "reset"));
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
                return new(ControlReplyKind.Array) { Items = [ControlReply.FromText(Role), .. Replication.RoleItems()] };
            case ["GET", var key]:
                return Store.TryGetValue(key, out var stored) ? new(ControlReplyKind.Text) { Bytes = stored } : new(ControlReplyKind.Nil);
            case ["SET", var key, var value, "NX", "GET"]:
                return Store.TryAdd(key, Encoding.UTF8.GetBytes(value)) ? new(ControlReplyKind.Nil) : ControlReply.FromError("ERR raced");
            case ["INFO", ..]:
                return ControlReply.FromText($"# Server\r\nredis_version:{Version}\r\nrun_id:{RunId}\r\n# Replication\r\nrole:{Role}\r\n{Replication.Info()}");
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

    /// <summary>Another instance brings what it wrote in an outage.</summary>
    public long Replay(string key, byte[] stored) => Run("replay", key, [stored, default, default, Encoding.UTF8.GetBytes("__shardedcache:stamp:" + key), default]);

    /// <summary>Becomes the master in place of another one, with what that had replicated.</summary>
    /// <param name="master">The one that is gone.</param>
    /// <param name="replicated">What had come here; null: everything.</param>
    /// <param name="offset">Up to where it had come; null: all.</param>
    public void TakeOverFrom(FakeServer master, IEnumerable<KeyValuePair<string, byte[]>>? replicated = null, long? offset = null)
    {
        foreach (var (key, stored) in replicated ?? master.Store)
        {
            Store[key] = stored;
        }

        Role = "master";
        RunId = "run-of-" + Address;
        Replication.ContinueFrom(master.Replication, offset ?? master.Replication.Offset);
    }

    /// <summary>Runs a script on <see cref="Store"/> as its text says.</summary>
    public long Run(string script, string key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments)
    {
        lock (Store)
        {
            var isEntry = EntryHeader.TryRead(Store.GetValueOrDefault(key), out var header, out _);
            switch (script)
            {
                case "touch" when isEntry && header.IsSliding && header.Stamp == Stamp.Read(arguments[0].Span):
                    Lives[key] = Rest(arguments[1], arguments is [_, _, _, var at] ? at : default);
                    return 1;
                case "refresh" when isEntry && header.IsSliding:
                    Lives[key] = header.SlidingMilliseconds;
                    return 1;
                case "evict" when !isEntry || header.Stamp <= Stamp.Read(arguments[0].Span):
                    return Store.TryRemove(key, out _) ? 1 : 0;
                case "replay":
                    return Replay(key, isEntry ? header : null, arguments);
                case "session-merge":
                    return FakeSessions.Merge(this, key, arguments, (time.GetUtcNow() + ClockLead - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
                case "group-write":
                    return _groups.Write(this, arguments);
                case "group-remove-all":
                    return _groups.RemoveAll(this, key, arguments);
                default:
                    return 0;
            }
        }
    }

    public void Put(string key, byte[] stored, long? life)
    {
        (Store[key], Lives[key]) = (stored, life);
        Replication.Advance();
    }

    /// <summary>Whether the key had a later version than this stamp, of which only the stamp is kept.</summary>
    public bool HadLater(ReadOnlyMemory<byte> lastStampKey, Stamp stamp) =>
        Store.TryGetValue(Encoding.UTF8.GetString(lastStampKey.Span), out var last) && Stamp.Read(last) > stamp;

    public void PutLastStamp(ReadOnlyMemory<byte> key, Stamp stamp, ReadOnlyMemory<byte> life)
    {
        if (!life.IsEmpty)
        {
            Put(Encoding.UTF8.GetString(key.Span), stamp.ToBytes(), long.Parse(life.Span, CultureInfo.InvariantCulture));
        }
    }

    private long Replay(string key, EntryHeader? there, ReadOnlySpan<ReadOnlyMemory<byte>> arguments)
    {
        var (stored, life) = (arguments[0].ToArray(), arguments[1]);
        Assert.True(EntryHeader.TryRead(stored, out var header, out _));
        if (HadLater(arguments[3], header.Stamp)
            || (there is { } old
                && (old.Stamp > header.Stamp || (old.Stamp == header.Stamp && Store[key].AsSpan().SequenceCompareTo(stored) > 0))))
        {
            return 0;
        }

        PutLastStamp(arguments[3], header.Stamp, arguments[4]);
        Put(key, stored, life.IsEmpty ? null : Rest(life, arguments is [_, _, _, _, _, var at, ..] ? at : default));
        return 1;
    }

    private long Rest(ReadOnlyMemory<byte> life, ReadOnlyMemory<byte> at)
    {
        var now = (time.GetUtcNow() + ClockLead).ToUnixTimeMilliseconds();
        var late = at.IsEmpty ? 0 : Math.Max(0, now - long.Parse(at.Span, CultureInfo.InvariantCulture));
        return Math.Max(1, long.Parse(life.Span, CultureInfo.InvariantCulture) - late);
    }
}
