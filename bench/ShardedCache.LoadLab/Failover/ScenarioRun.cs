using ShardedCache.LoadLab.History;
using ShardedCache.LoadLab.Network;
using ShardedCache.LoadLab.Workers;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Failover;

/// <summary>A scenario while it runs: what it can break, and what it says about it.</summary>
internal sealed class ScenarioRun(RedisFarm farm, CutNetwork? network, RunSettings settings, CancellationToken cancellationToken)
{
    private readonly List<long> _moments = [];
    private readonly HashSet<int> _failed = [];
    private readonly List<ShardEvent> _events = [];
    private readonly List<ErrorAllowance> _allowances = [];
    private readonly List<string> _missing = [];

    public RedisFarm Farm => farm;

    public RunSettings Settings => settings;

    /// <summary>The shard that most scenarios break.</summary>
    public RedisFarmShard Shard => farm.Shards[0];

    public CutNetwork Network => network ?? throw new LabException("This scenario has no network of its own.");

    /// <summary>Where the first worker lives; null: where everybody does.</summary>
    public string? WorkerNamespace => network?.Worker;

    public IReadOnlyList<WorkerClient> Workers { get; set; } = [];

    public CancellationToken Cancellation => cancellationToken;

    public IReadOnlyList<long> Moments => _moments;

    public IReadOnlySet<int> Failed => _failed;

    public IReadOnlyList<ShardEvent> Events => _events;

    public IReadOnlyList<ErrorAllowance> Allowances => _allowances;

    /// <summary>What should have happened and did not: then the run proves nothing.</summary>
    public IReadOnlyList<string> Missing => _missing;

    /// <summary>From the (first) failure to the promotion, as a majority of the Sentinels sees it; null where there was none.</summary>
    public double? PromotionMilliseconds { get; private set; }

    /// <summary>Lines worth reading in the summary.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Says that shards fail now. Call it just before the deed.</summary>
    public void Breaking(params RedisFarmShard[] shards)
    {
        _moments.Add(Ticks.Now);
        _failed.UnionWith(shards.Select(IndexOf));
    }

    public void BreakingEverything() => Breaking([.. farm.Shards]);

    public void Happened(ShardEventKind kind, RedisFarmShard shard, long start, long end) =>
        _events.Add(new ShardEvent(kind, IndexOf(shard), start, end));

    /// <summary>That the shard is unavailable is right, and said, from a moment to another.</summary>
    public void AllowUnavailable(RedisFarmShard shard, long start, long end) =>
        _allowances.Add(new ErrorAllowance($"{nameof(ShardUnavailableException)} of {shard.Name}:", start, end));

    /// <summary>The fault must really have happened.</summary>
    public void Require(bool condition, string what)
    {
        if (!condition)
        {
            _missing.Add(what);
        }
    }

    public Task Pass(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), cancellationToken);

    /// <summary>Waits for another master than <paramref name="old"/>.</summary>
    public async Task<RedisProcess> PromotedAsync(RedisFarmShard shard, RedisProcess old)
    {
        var promoted = await shard.WaitForNewMasterAsync(old, TimeSpan.FromSeconds(40), cancellationToken);
        PromotionMilliseconds ??= Ticks.Milliseconds(Ticks.Now - _moments[^1]);
        return promoted;
    }

    /// <summary>
    /// Sentinels look every 10 s what became of a server and take as long to demote an old master that returns; for scenarios
    /// that are not about this time.
    /// </summary>
    public Task QuickenSentinelsAsync() => Task.WhenAll(farm.Sentinels.Select(
        static sentinel => sentinel.ExecuteAsync("SENTINEL", "DEBUG", "info-period", "200", "publish-period", "200")));

    /// <summary>Asks until the server answers with that error code; false if it does not within the time.</summary>
    public async Task<bool> AnswersWithAsync(RedisProcess server, string code, double seconds, params string[] command)
    {
        var until = Ticks.Now + Ticks.Of(TimeSpan.FromSeconds(seconds));
        while (Ticks.Now < until)
        {
            try
            {
                await server.ExecuteAsync(command);
            }
            catch (RedisFarmException e) when (e.Code == code)
            {
                return true;
            }
            catch (RedisFarmException)
            {
                // Not up yet, or silent.
            }

            await Task.Delay(10, cancellationToken);
        }

        return false;
    }

    private int IndexOf(RedisFarmShard shard) => farm.Shards.Index().First(other => other.Item == shard).Index;
}
