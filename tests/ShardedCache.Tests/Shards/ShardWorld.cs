using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using ShardedCache.Connections;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>A cache over one shard, <c>shard-0</c>, with two fake servers, of which <see cref="A"/> is the master at first, and the clock.</summary>
internal sealed class ShardWorld : IServerConnector, ILogger
{
    public const string Shard = "shard-0";

    private readonly ConcurrentQueue<(int Id, string Message)> _events = new();
    private int _attempts;

    public ShardWorld()
    {
        A = new FakeServer(new("10.1.0.1", 6379), Time);
        B = new FakeServer(new("10.1.0.2", 6379), Time);
    }

    /// <summary>The spans in which something was logged.</summary>
    public ConcurrentQueue<Activity> LoggingSpans { get; } = new();

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public FakeServer A { get; }

    public FakeServer B { get; }

    public FakeMasters Masters { get; } = new(Shard);

    public ShardedRedisCache Cache { get; private set; } = null!;

    /// <summary>How often a connection was asked for.</summary>
    public int Attempts => Volatile.Read(ref _attempts);

    public ShardSnapshot Now => Cache.Status[0];

    public IEnumerable<string> Messages(int eventId) => _events.Where(entry => entry.Id == eventId).Select(static entry => entry.Message);

    /// <summary>Makes the cache and leaves it alone.</summary>
    public void Start(IMeterFactory? meters = null, FailoverMode mode = FailoverMode.Throw, Func<CacheSettings, CacheSettings>? change = null)
    {
        var settings = new CacheSettings
        {
            Sentinels = [],
            Shards = [new ConfiguredShard(Shard)],
            InstanceName = string.Empty,
            MaximumPayloadBytes = 8 * 1024 * 1024,
            LocalTierSizeLimit = 1024 * 1024,
            LocalTierMaxEntrySize = 64 * 1024,
            FailoverMode = mode,
            MaxStaleness = TimeSpan.FromMinutes(1),
            JournalSizeLimit = 1024 * 1024,
            ShardConnection = new ConnectionSettings(),
            SentinelConnection = new ConnectionSettings(),
        };
        Cache = new ShardedRedisCache(change?.Invoke(settings) ?? settings, this, Masters, Time, this, meters);
    }

    /// <summary>Makes the cache and waits until its shard is up on <see cref="A"/>.</summary>
    public async Task StartUpAsync(
        IMeterFactory? meters = null, FailoverMode mode = FailoverMode.Throw, Func<CacheSettings, CacheSettings>? change = null)
    {
        Masters.Say(Shard, A.Address);
        Start(meters, mode, change);
        await UntilAsync(ShardState.Up);
    }

    public Task UntilAsync(ShardState state) => UntilAsync(() => Now.State == state);

    public Task UntilUpOnAsync(FakeServer server) => UntilAsync(() => Now.State == ShardState.Up && Now.Master == server.Address);

    /// <summary>Lets time pass in small steps until the condition holds: the smaller, the more a busy machine can do in a time-out.</summary>
    public async Task UntilAsync(Func<bool> condition, int stepMilliseconds = 10)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            Assert.False(deadline.IsCancellationRequested, $"The condition was not met. The shard: {Now}");
            await Task.Delay(1, TestContext.Current.CancellationToken);
            Time.Advance(TimeSpan.FromMilliseconds(stepMilliseconds));
        }
    }

    /// <summary>Lets this much time pass, in small steps.</summary>
    public Task PassAsync(double seconds)
    {
        var before = Time.GetUtcNow();
        return UntilAsync(() => Time.GetUtcNow() - before > TimeSpan.FromSeconds(seconds));
    }

    /// <summary>Waits without letting time pass.</summary>
    public async Task UntilNowAsync(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            Assert.False(deadline.IsCancellationRequested, $"The condition was not met. The shard: {Now}");
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Lets the shard's polls come, this many at least.</summary>
    public async Task PollAsync(FakeServer server, int times = 1)
    {
        var before = server.Commands.Count(static command => command == "ROLE");
        await UntilAsync(() => server.Commands.Count(static command => command == "ROLE") >= before + times);
    }

    public async ValueTask<OpenResult> OpenAsync(ServerAddress address, ConnectionSettings settings, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _attempts);
        await Task.Yield();
        var server = address == A.Address ? A : B;
        if (server.IsDown)
        {
            return new(null, new ConnectionFault(ConnectionFaultKind.Unreachable, "connection refused"));
        }

        if (server.IsSilent)
        {
            server.Knock();
        }

        while (server.IsSilent)
        {
            await Task.Delay(1, cancellationToken);
        }

        return new(server.Connect(settings.OperationTimeout), null);
    }

    public ValueTask DisposeAsync() => Cache?.DisposeAsync() ?? default;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        _events.Enqueue((eventId.Id, formatter(state, exception)));
        if (Activity.Current is { } span)
        {
            LoggingSpans.Enqueue(span);
        }
    }
}
