using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ShardedCache.Connections;
using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

/// <summary>Three fake Sentinels that watch <c>shard-0</c> and <c>shard-1</c>, the masters that are asked of them, and the clock.</summary>
internal sealed class SentinelWorld : IServerConnector, ILogger
{
    public static readonly ServerAddress A = new("10.1.0.1", 6379);
    public static readonly ServerAddress B = new("10.1.0.2", 6379);

    private readonly ConcurrentDictionary<ServerAddress, FakeSentinel> _reachable = new();
    private readonly ConcurrentQueue<(int Id, string Message)> _events = new();

    private int _configured;
    private int _connects;

    public SentinelWorld()
    {
        Sentinels = [.. Enumerable.Range(1, 3).Select(i => Add($"10.0.0.{i}", $"id-{i}"))];
        foreach (var sentinel in Sentinels)
        {
            foreach (var other in Sentinels.Where(other => other != sentinel))
            {
                sentinel.Others[other] = "sentinel";
            }
        }

        Say(A, 7);
        Ask([.. Sentinels.Select(static sentinel => sentinel.Address)], "shard-0", "shard-1");
    }

    public PausingTime Time { get; } = new();

    public IReadOnlyList<FakeSentinel> Sentinels { get; }

    /// <summary>Thrown by each connect: a fault of the transport, or of the application's own delegate for credentials.</summary>
    public Exception? ConnectThrows { get; set; }

    public int Connects => Volatile.Read(ref _connects);

    public SentinelMasters Masters { get; private set; } = null!;

    public MasterSnapshot Shard0 => Masters.Current("shard-0");

    public IEnumerable<string> Messages(int eventId) => _events.Where(entry => entry.Id == eventId).Select(static entry => entry.Message);

    /// <summary>A Sentinel that can be connected to by this name.</summary>
    public FakeSentinel Add(string host, string id)
    {
        var sentinel = new FakeSentinel(host, id);
        return _reachable[sentinel.Address] = sentinel;
    }

    public void AddAlias(string host, FakeSentinel sentinel) => _reachable[new ServerAddress(host, sentinel.Address.Port)] = sentinel;

    /// <summary>All Sentinels name this master from now on.</summary>
    public void Say(ServerAddress master, long epoch, string flags = "master", params IEnumerable<FakeSentinel> sentinels)
    {
        foreach (var sentinel in sentinels.Any() ? sentinels : Sentinels)
        {
            sentinel.Masters["shard-0"] = new FakeMaster(master, epoch, flags);
            sentinel.Masters["shard-1"] = new FakeMaster(new("10.1.1.1", 6379), 3);
        }
    }

    public void Ask(IReadOnlyList<ServerAddress> sentinels, params string[] shards)
    {
        _configured = sentinels.Count;
        Masters = new SentinelMasters(this, sentinels, new ConnectionSettings(), shards, Time, this);
    }

    public async Task StartAsync()
    {
        Masters.Start();
        await Until(() => Shard0.Master is not null && Sentinels.All(static sentinel => sentinel.Asked >= 2 && (sentinel.IsListenedTo || !sentinel.MaySubscribe)));
    }

    /// <summary>Waits until every watcher waits for time to pass.</summary>
    public Task QuietAsync() => Until(() => Time.Pauses >= _configured + Messages(213).Count() - Messages(214).Count());

    /// <summary>Waits without letting time pass.</summary>
    public static async Task Until(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            Assert.False(deadline.IsCancellationRequested, "The condition was not met.");
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Lets time pass, poll by poll: when it returns, every Sentinel that answers was asked once more for each of them.</summary>
    public async Task PollAsync(int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            await QuietAsync();
            var connects = Connects;
            var asked = Sentinels.ToDictionary(static sentinel => sentinel, static sentinel => sentinel.Asked);
            Time.Advance(SentinelTimings.Default.Poll);
            await Until(() =>
            {
                if (!IsPolled() && Time.Pauses >= _configured)
                {
                    // One that was between two waits, as after a hint, began the second one after the advance.
                    Time.Advance(SentinelTimings.Default.Gap);
                }

                return IsPolled();
            });

            bool IsPolled() => ConnectThrows is null
                ? asked.All(static pair => pair.Key.Behaviour != FakeBehaviour.Answers || pair.Key.Asked > pair.Value)
                : Connects >= connects + _configured;
        }
    }

    public async ValueTask<OpenResult> OpenAsync(ServerAddress address, ConnectionSettings settings, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _connects);
        await Task.Yield();
        if (ConnectThrows is { } exception)
        {
            throw exception;
        }

        Assert.Equal(ServerKind.Sentinel, settings.Kind);
        var sentinel = _reachable.GetValueOrDefault(address);
        switch (sentinel?.Behaviour)
        {
            case null or FakeBehaviour.IsDown:
                return new(null, new ConnectionFault(ConnectionFaultKind.Unreachable, "connection refused"));
            case FakeBehaviour.Refuses:
                return new(null, new ConnectionFault(ConnectionFaultKind.Refused, "WRONGPASS invalid username-password pair"));
            case FakeBehaviour.IsStopped:
                await Task.Delay(settings.ConnectTimeout, Time, cancellationToken);
                return new(null, new ConnectionFault(ConnectionFaultKind.HandshakeTimedOut, "no answer"));
            default:
                return new(sentinel.Connect(address, settings, Time), null);
        }
    }

    public ValueTask DisposeAsync() => Masters.DisposeAsync();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _events.Enqueue((eventId.Id, formatter(state, exception)));
}
